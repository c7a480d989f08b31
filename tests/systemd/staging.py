"""postroom of this tree as a Debian package, with all that it needs."""

from __future__ import annotations

import fcntl
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.architecture import ROOT

# What Debian's packages stand on; a machine in a container has it, too.
PYTHON = Path("/usr/bin/python3")


@contextmanager
def alone() -> Iterator[None]:
    """One worker stages or builds at a time."""
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_package(folder: Path) -> Path:
    """The Debian package, in a folder; what it needs is kept from run to run."""
    work = ROOT / "build" / "deb"
    requirements = ROOT / "requirements" / "run.txt"
    with alone():
        script = ROOT / "systemd" / "debian" / "build.sh"
        run("sh", script, PYTHON, requirements, ROOT, work, folder)
    (package,) = folder.glob("*.deb")
    return package


def with_version(package: Path, version: str) -> Path:
    """The same package under another version."""
    tree = package.parent / "tree"
    run("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN" / "control"
    text = re.sub(
        "^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M
    )
    control.write_text(text)
    other = package.parent / f"postroom_{version}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, other)
    return other


def run(*command: str | Path) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    return done.stdout
