"""postroom of this tree, with what it needs, as it lies below /opt/postroom."""

from __future__ import annotations

import fcntl
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


def stage(folder: Path) -> Path:
    """Lay postroom below a folder; what it needs is kept from run to run."""
    kept = ROOT / "build" / "stage" / "postroom"
    kept.parent.mkdir(parents=True, exist_ok=True)
    requirements = ROOT / "requirements" / "run.txt"
    with alone():
        script = ROOT / "systemd" / "debian" / "stage.sh"
        _run("sh", str(script), str(PYTHON), str(requirements), str(ROOT), str(kept))
        _run("cp", "--archive", str(kept), str(folder))
    return folder / kept.name


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
