"""A desk for each test, with an empty mailbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.service.mailbox import MemoryMailbox
from tests.service.processing import AtDesk, Steps, open_desk


@pytest.fixture
def at_desk(tmp_path: Path) -> AtDesk:
    """Takes steps at a desk, with an empty mailbox."""

    def take(steps: Steps) -> None:
        async def run() -> None:
            async with asyncio.timeout(60), open_desk(tmp_path) as desk:
                await steps(desk, MemoryMailbox())

        asyncio.run(run())

    return take
