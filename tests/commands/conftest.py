"""A place for the commands of each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.workplace import Workplace


@pytest.fixture
def workplace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Workplace:
    """A folder with settings of a home account whose servers are not there."""
    place = Workplace(tmp_path, capsys)
    place.write()
    return place
