"""A place for each test's store."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is to be; neither it nor its folder is there yet."""
    return tmp_path / "state" / "postroom.db"
