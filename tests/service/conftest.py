"""A desk or a post for each test, with an empty mailbox or with plans."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp
from tests.service.house import Daemon
from tests.service.mailbox import MemoryMailbox
from tests.service.planned import Plans, WithPlans, take_steps
from tests.service.planned import Steps as StepsWithPlans
from tests.service.processing import AtDesk, Steps, open_desk
from tests.service.watching import AtPost, Post, open_post


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


@pytest.fixture
def at_post(tmp_path: Path) -> AtPost:
    """Takes steps where a store and an observer are."""

    def take(steps: Callable[[Post], Awaitable[None]]) -> None:
        async def run() -> None:
            async with asyncio.timeout(60), open_post(tmp_path) as post:
                await steps(post)

        asyncio.run(run())

    return take


@pytest.fixture
def user(dovecot: DovecotServer) -> str:
    """A Dovecot user of this test's own."""
    return dovecot.new_user()


@pytest.fixture
def daemon(
    tmp_path: Path, dovecot: DovecotServer, user: str, sink: RecordingSmtp
) -> Daemon:
    """A daemon for the user."""
    return Daemon(tmp_path, dovecot, user, sink.port)
