"""The units of this tree, and what systemd thinks of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture import ROOT

FOLDER = ROOT / "systemd"
SYSTEM = FOLDER / "postroom.service"
TEMPLATE = FOLDER / "postroom@.service"
USER = FOLDER / "user" / "postroom.service"
INSTALLED = "/opt/postroom/bin/postroom"


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What `systemd-analyze` answers."""
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        # Whoever looks at a user's unit is asked for the user's folder.
        env={"XDG_RUNTIME_DIR": "/run", **os.environ},
    )


def copy_runnable(unit: Path, folder: Path) -> Path:
    """A copy of a unit that starts a program which is here, under its own name."""
    text = unit.read_text()
    assert INSTALLED in text
    copy = folder / unit.name
    copy.write_text(text.replace(INSTALLED, sys.executable))
    return copy


def value_of(unit: Path, key: str) -> list[str]:
    """What a unit says for a key, line by line."""
    lines = unit.read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]
