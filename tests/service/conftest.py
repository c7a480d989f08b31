"""A desk for each test, with an empty mailbox or with plans."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.service.mailbox import MemoryMailbox
from tests.service.planned import Plans, WithPlans, take_steps
from tests.service.planned import Steps as StepsWithPlans
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


@pytest.fixture
def with_plans(tmp_path: Path) -> WithPlans:
    """Takes steps where effects are planned, and nothing is done yet."""

    def take(plans: Plans, steps: StepsWithPlans) -> None:
        take_steps(tmp_path, plans, steps)

    return take
