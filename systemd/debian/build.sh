#!/bin/sh
# Build the Debian package: build.sh PYTHON REQUIREMENTS SOURCE WORK DIST.
# WORK keeps what postroom needs from run to run; DIST gets the package.
set -eu
python=$1
requirements=$2
source=$3
work=$4
dist=$5
debian=$source/systemd/debian
root=$work/root
home=$root/opt/postroom

sh "$debian/stage.sh" "$python" "$requirements" "$source" "$work/postroom"

rm -rf "$root"
mkdir -p "$root/opt" "$root/DEBIAN" "$dist"
cp -a "$work/postroom" "$home"
"$home/bin/python3" -Ic "from postroom.cli import main; main()" \
    install --root "$root" --prefix /usr

# What built it does not belong to it.
"$home/bin/python3" -m pip --quiet uninstall --yes hatchling trove-classifiers pathspec \
    tomlkit setuptools pip
find "$home" -name __pycache__ -type d -prune -exec rm -rf {} +
find "$home/lib" -name '*.so*' -type f -exec strip --strip-unneeded {} +
find "$home/bin" -mindepth 1 ! -name 'python*' ! -name postroom -delete

doc=$root/usr/share/doc/postroom
sample=/etc/postroom/postroom.toml.sample
install -m 644 "$debian/postroom.toml.sample" "$root$sample"
install -D -m 644 "$debian/lintian-overrides" "$root/usr/share/lintian/overrides/postroom"
install -m 644 "$debian/copyright" "$doc/copyright"
gzip -9n <"$source/CHANGELOG.md" >"$doc/changelog.gz"
gzip -9n "$root/usr/share/man/man1/postroom.1"

for script in postinst prerm postrm; do
    install -m 755 "$debian/$script" "$root/DEBIAN/$script"
done
echo "$sample" >"$root/DEBIAN/conffiles"
(cd "$root" && find opt usr -type f -exec md5sum {} + >DEBIAN/md5sums)

ask() { "$home/bin/python3" -Ic "$1"; }
version=$(ask "import postroom; print(postroom.__version__)")
minor=$(ask "import sys; print(sys.version_info.minor)")
architecture=$(dpkg --print-architecture)
find "$home" -name __pycache__ -type d -prune -exec rm -rf {} +
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/" \
    -e "s/@PYTHON@/3.$minor/; s/@NEXT_PYTHON@/3.$((minor + 1))/" \
    -e "s/@SIZE@/$(du -sk "$root" | cut -f1)/" \
    "$debian/control.in" >"$root/DEBIAN/control"

dpkg-deb --root-owner-group -Zxz -z1 --build "$root" \
    "$dist/postroom_${version}_$architecture.deb"
