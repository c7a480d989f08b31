"""Killed at any moment of a POP3 session: nothing is lost, and nothing is done twice.

`KILLS=all` asks for the long form: every point of a session, each of them twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path

import pytest

from tests.endtoend.maildrops import PopHouse, in_the_clear
from tests.endtoend.sorting import (
    SIX,
    expect,
    expect_forwards,
    found_in,
    letter,
    numbers_in,
)
from tests.endtoend.strace import (
    Point,
    killing,
    points_of,
    recording,
    sample,
    traced,
    why_not_strace,
)
from tests.servers.dovecot import DovecotServer
from tests.servers.maildir import messages_in
from tests.servers.programs import wait_until
from tests.servers.proxy import Conversation, CountingProxy, counting_proxy
from tests.servers.sink import recording_smtp

ALL = os.environ.get("KILLS") == "all"
NO_STRACE = why_not_strace()
LANES = 2
LIMIT = 20
NUMBERS = range(len(SIX))

# Where it is killed, and where again.
Story = tuple[Point, ...]

# Dovecot's unique-ids begin with the UID: the messages are laid there in their order.
_LISTED = re.compile(rb"^(\d+) ([0-9a-f]{8})[0-9a-f]{8}\r$", re.MULTILINE)


def _removed(heard: Conversation) -> set[int]:
    """The messages that the server was told to remove in this session."""
    listed = {
        int(number): int(uid, 16) - 1
        for number, uid in _LISTED.findall(bytes(heard.server))
    }
    asked = re.findall(rb"^DELE (\d+)\r$", bytes(heard.client), re.MULTILINE)
    return {listed[int(number)] for number in asked}


@dataclass
class Trial:
    """A daemon at a maildrop of six messages, behind a proxy that hears all."""

    house: PopHouse
    dovecot: DovecotServer
    user: str
    proxy: CountingProxy
    unknown: int = 0

    def __post_init__(self) -> None:
        self.dovecot.forget(self.user)
        self.dovecot.backlog(self.user, (letter(n, SIX) for n in NUMBERS))
        pop3 = in_the_clear(self.proxy.port)
        self.daemon = self.house.daemon(pop3, user=self.user)

    def run(self, options: Sequence[str], record: Path) -> int:
        """Run the program once, traced from the server's greeting on; its exit code."""
        before = len(self.proxy.conversations)
        self.proxy.stall()
        with self.daemon.once() as process:
            wait_until(lambda: len(self.proxy.conversations) > before, "the session")
            with traced(process.pid, options, record):
                self.proxy.resume()
        return process.returncode

    def kill_at(self, *points: Point) -> list[str]:
        """Kill it at each of these points, run it to its end; all that is wrong."""
        wrong: list[str] = []
        for point in points:
            code = self.run(killing(point), Path(os.devnull))
            wrong += [] if code in (0, -9) else [f"exit code {code}"]
            wrong += self._removed_too_early()
        self.unknown += self._restart()
        wrong += self.daemon.visit()
        return wrong + self._verdict()

    def _restart(self) -> int:
        """Run it to its end; how many deliveries it found unknown."""
        told = [e for e in self.daemon.run_once() if e["event"] == "deliveries_unknown"]
        return sum(one["count"] for one in told)

    def _removed_too_early(self) -> list[str]:
        """What the server was told to remove though not all of it was done."""
        removed = {n for each in self.proxy.conversations for n in _removed(each)}
        if not removed:
            return []
        there, sent = found_in(messages_in(self.daemon.maildir)), self.house.sent(SIX)
        missing = expect(removed, SIX) - there
        unsent = expect_forwards(removed, SIX) - sent
        return [f"DELE before {name} had it" for name, _, _ in missing] + [
            f"DELE before {number} was sent" for number in unsent
        ]

    def _verdict(self) -> list[str]:
        """What is not as it must be in the end."""
        found, wanted = found_in(self.daemon.stored()), expect(NUMBERS, SIX)
        sent, asked = self.house.sent(SIX), expect_forwards(NUMBERS, SIX)
        left = numbers_in(self.dovecot.mailboxes(self.user)["INBOX"])
        wrong = [f"missing in {name}" for name, _, _ in wanted - found]
        wrong += [f"too much in {name}" for name, _, _ in found - wanted]
        wrong += [f"never sent: {number}" for number in asked - sent]
        # What was between the final dot and its record may go out once more.
        if (sent - asked).total() > self.unknown:
            wrong.append(f"sent {sent}, and {self.unknown} were unknown")
        return wrong + ([f"left on the server: {left}"] if left else [])


@dataclass
class Range:
    """Where trials are made, each in a folder of its own; one user serves them all."""

    folder: Path
    dovecot: DovecotServer
    user: str
    serial: Iterator[int] = field(default_factory=count)

    @contextmanager
    def trial(self) -> Iterator[Trial]:
        """A new one."""
        folder = self.folder / f"{self.user}-{next(self.serial)}"
        folder.mkdir()
        with (
            recording_smtp() as sink,
            counting_proxy(self.dovecot.host, self.dovecot.ports.pop3) as proxy,
        ):
            yield Trial(PopHouse(folder, sink), self.dovecot, self.user, proxy)

    def points(self) -> list[Point]:
        """All points that a session passes."""
        record = self.folder / "record"
        with self.trial() as trial:
            assert trial.run(recording(), record) == 0
        return points_of(record)

    def verdicts(self, stories: Sequence[Story]) -> list[str]:
        """What was wrong after each of these stories."""
        wrong = []
        for story in stories:
            with self.trial() as trial:
                found = trial.kill_at(*story)
            wrong += [f"{', '.join(map(str, story))}: {each}" for each in found]
        return wrong


def stories_of(points: Sequence[Point]) -> list[Story]:
    """Where it is killed, and after a restart again: at the same point, or at another
    one; a sample, or in the long form everywhere."""
    if ALL:
        return [(each,) for each in points] + [(each, each) for each in points]
    chosen = sample(points, 3)
    again = chosen[:: len(chosen) // 4]
    once = [(each,) for each in chosen[:LIMIT]]
    return [
        *once,
        *((each, each) for each in again),
        *pairwise(again),
    ]


@pytest.mark.skipif(NO_STRACE is not None, reason=str(NO_STRACE))
@pytest.mark.timeout(36_000 if ALL else 300)
def test_kill_9_at_any_call_loses_nothing_and_repeats_only_the_unknown(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    """A message is forwarded, one moved, one flagged, one deleted, one kept."""
    ranges = [Range(tmp_path, dovecot, dovecot.new_user()) for _ in range(LANES)]
    stories = stories_of(ranges[0].points())
    shares = [stories[lane::LANES] for lane in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        verdicts = pool.map(Range.verdicts, ranges, shares)
    wrong = [each for verdict in verdicts for each in verdict]
    assert wrong == []
    print(f"killed in {len(stories)} ways")
