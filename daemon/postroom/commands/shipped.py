"""Where the files are that come with postroom and are no code: from a source checkout,
and from an installed wheel."""

from __future__ import annotations

from pathlib import Path

from postroom.errors import PermanentError

_PACKAGE = Path(__file__).parents[1]


def find_sample_rules() -> Path:
    """The folder of the sample rules; raises `PermanentError` if they are missing."""
    return _find("sample_rules", "rules.d", "the sample rules")


def find_units() -> Path:
    """The folder of systemd's units; raises `PermanentError` if they are missing."""
    return _find("units", "systemd", "the units of systemd")


def _find(installed: str, source: str, what: str) -> Path:
    for folder in (_PACKAGE / installed, _PACKAGE.parents[1] / source):
        if folder.is_dir():
            return folder
    raise PermanentError(f"{what} were not installed with postroom")
