"""A connection that is made again: what lasted is told from what did not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from postroom.errors import PermanentError, PostroomError, TemporaryError
from postroom.ports import Session
from postroom.service.events import WatchState
from postroom.service.line import Line, Waits
from tests.service.account import MemoryAccount
from tests.service.watching import Post, open_post

MINUTE = timedelta(minutes=1)


class Stop(Exception):
    """The test has seen enough."""


class Uses:
    """What is done with each session: it works for so long, then it fails."""

    def __init__(
        self, post: Post, lives: list[tuple[timedelta, PostroomError]]
    ) -> None:
        self.line: Line = post.line(MemoryAccount({}))
        self.line.unusable = Waits((0,))
        self.states: list[WatchState] = []
        self._clock, self._lives = post.desk.clock, lives

    async def use(self, session: Session) -> NoReturn:
        """Work, and fail."""
        if not self._lives:
            raise Stop
        life, error = self._lives.pop(0)
        self.line.works()
        self._clock.ahead += life
        raise error

    async def tell(
        self, state: WatchState, detail: str = "", delay: float | None = None
    ) -> None:
        """Take note; stop where no login may be made."""
        self.states.append(state)
        if "too many logins" in detail:
            raise Stop

    async def fail(
        self, state: WatchState, error: Exception, delay: float | None
    ) -> None:
        """Take note."""
        self.states.append(state)


def use_up(folder: Path, lives: list[tuple[timedelta, PostroomError]]) -> int:
    """How many of these sessions there could be, one after the other."""

    async def run() -> int:
        async with asyncio.timeout(60), open_post(folder) as post:
            wanted = len(lives)
            uses = Uses(post, lives)
            with pytest.raises(Stop):
                await uses.line.keep(uses.use, uses)
            return wanted - len(lives)

    return asyncio.run(run())


CUT, ABSENT = TemporaryError("cut"), PermanentError("there is no mailbox A")


@pytest.mark.parametrize("error", [CUT, ABSENT])
def test_sessions_that_lasted_a_minute_are_not_counted(
    tmp_path: Path, error: PostroomError
) -> None:
    assert use_up(tmp_path, [(MINUTE, error)] * 30) == 30


@pytest.mark.parametrize("error", [CUT, ABSENT])
def test_sessions_that_did_not_last_are_few(
    tmp_path: Path, error: PostroomError
) -> None:
    assert use_up(tmp_path, [(MINUTE / 2, error)] * 30) == 12


def test_a_session_does_not_last_because_the_one_before_it_did(tmp_path: Path) -> None:
    """Each has its own minute, however the last one ended."""

    async def run() -> None:
        async with asyncio.timeout(60), open_post(tmp_path) as post:
            uses = Uses(post, [])
            uses.line.backoff.works()
            post.desk.clock.ahead += MINUTE
            with pytest.raises(Stop):
                await uses.line.keep(uses.use, uses)
            assert not uses.line.backoff.is_stable

    asyncio.run(run())
