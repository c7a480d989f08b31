"""Where the sample rules are, from a source checkout and from an installed wheel."""

from __future__ import annotations

from pathlib import Path

from postroom.errors import PermanentError

_PACKAGE = Path(__file__).parents[2]


def find_sample_rules() -> Path:
    """The folder of the sample rules; raises `PermanentError` if they are missing."""
    for folder in (_PACKAGE / "sample_rules", _PACKAGE.parents[1] / "rules.d"):
        if folder.is_dir():
            return folder
    raise PermanentError("the sample rules were not installed with postroom")
