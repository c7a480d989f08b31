#!/bin/sh
# Lay postroom and what it needs below a folder, to be used as /opt/postroom:
# stage.sh PYTHON REQUIREMENTS SOURCE FOLDER.
# What is there from an earlier run is kept where the requirements are the same.
set -eu
python=$1
requirements=$2
source=$3
folder=$4
home=/opt/postroom

pip() { "$folder/bin/python3" -m pip --quiet --disable-pip-version-check "$@"; }

if ! cmp -s "$requirements" "$folder.requirements"; then
    rm -rf "$folder" "$folder.requirements"
    "$python" -m venv "$folder"
    pip install --no-compile --require-hashes --requirement "$requirements"
    cp "$requirements" "$folder.requirements"
fi
# Its metadata tells pip what was there, and takes it away first.
pip install --no-compile --no-deps --no-build-isolation --force-reinstall "$source"

# The scripts would begin with the name of this folder.
cat >"$folder/bin/postroom" <<END
#!$home/bin/python3 -I
from postroom.cli import main

main()
END
chmod 755 "$folder/bin/postroom"
