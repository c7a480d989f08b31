"""Over a bad network a reading ends in time: with the right data, or by an error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from postroom.errors import TemporaryError
from postroom.transport.imap.server import Timings
from tests.servers.chaos import ChaosProxy, Plan, chaos_proxy
from tests.servers.dovecot import DovecotServer
from tests.servers.troubled import Fault, Kind, Way
from tests.transport.imap.scripted import PATIENT, account_at
from tests.transport.served import letter, opened

LETTERS = [letter(f"message {n}", f"{n}: " + "Grüße. " * 300) for n in range(40)]
STEPS = 8

# What is never answered is given up soon; on a slow machine that is no fault either.
HASTY = replace(PATIENT, connect=0.3, login=0.3, command=0.3, silence=0.3, logout=0.3)
HASTY_ENDS = 3.0

AnyKind = pytest.mark.parametrize("kind", [Kind.CUT, Kind.RESET, Kind.HALF_CLOSE])


@dataclass(frozen=True)
class Line:
    """A user of Dovecot with all the LETTERS, behind a proxy."""

    proxy: ChaosProxy
    user: str

    def read(self, timings: Timings = PATIENT) -> dict[Way, int]:
        """Read all there is: what is read is right, or it raises. How many octets that
        took, without the leave-taking."""
        return asyncio.run(self._read(timings))

    def spread(self, way: Way) -> range:
        """Places from the first octet of a reading to one near the last."""
        self.read()  # the first reading is told of more: that messages are recent
        # The last line tells how long it took, in more or fewer digits.
        length = self.read()[way] - 30
        return range(1, length, length // STEPS)

    def suffers(self, kind: Kind, way: Way, after: int = 0, pause: float = 0) -> None:
        """Have each new connection suffer this fault."""
        fault = Fault(kind, way, after, pause)
        self.proxy.plan(lambda: fault)

    async def _read(self, timings: Timings) -> dict[Way, int]:
        account = account_at(self.proxy.port, user=self.user, timings=timings)
        async with opened(account) as mailbox:
            uids = await mailbox.uids_after(0)
            messages = await mailbox.headers(uids)
            contents = await mailbox.contents(uids)
            heard = self.proxy.records[-1]
            taken = {Way.TO_CLIENT: len(heard.server), Way.TO_SERVER: len(heard.client)}
        assert [message.key.uid for message in messages] == uids
        assert [message.size for message in messages] == [*map(len, LETTERS)]
        assert [contents[uid] for uid in uids] == LETTERS
        return taken


@contextmanager
def line(dovecot: DovecotServer, plan: Plan = lambda: None) -> Iterator[Line]:
    """A line to a new user."""
    user = dovecot.new_user()
    dovecot.backlog(user, LETTERS)
    with chaos_proxy(dovecot.host, dovecot.ports.imap, plan) as proxy:
        yield Line(proxy, user)


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Fail if it takes longer."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


@AnyKind
@pytest.mark.parametrize("way", Way)
def test_an_end_in_the_middle_of_anything_is_an_error(
    dovecot: DovecotServer, kind: Kind, way: Way
) -> None:
    with line(dovecot) as reader:
        for place in reader.spread(way):
            reader.suffers(kind, way, place)
            with ends_within(PATIENT.command), pytest.raises(TemporaryError):
                reader.read()


@pytest.mark.parametrize("way", Way)
def test_octets_that_vanish_are_not_waited_for(
    dovecot: DovecotServer, way: Way
) -> None:
    with line(dovecot) as reader:
        for place in reader.spread(way):
            reader.suffers(Kind.BLACK_HOLE, way, place)
            with ends_within(HASTY_ENDS), pytest.raises(TemporaryError):
                reader.read(HASTY)


def test_a_connection_that_is_never_greeted_is_given_up(dovecot: DovecotServer) -> None:
    with (
        line(dovecot, lambda: Fault(Kind.BLACK_HOLE)) as reader,
        ends_within(HASTY_ENDS),
        pytest.raises(TemporaryError, match="answer"),
    ):
        reader.read(HASTY)


@pytest.mark.parametrize("way", Way)
def test_a_drip_is_read_like_a_stream(dovecot: DovecotServer, way: Way) -> None:
    with line(dovecot, lambda: Fault(Kind.DRIP, way)) as reader:
        reader.read()


def test_a_drip_that_never_pauses_for_long_is_given_up_all_the_same(
    dovecot: DovecotServer,
) -> None:
    with line(dovecot) as reader:
        middle = reader.read()[Way.TO_CLIENT] // 2
        reader.suffers(Kind.DRIP, Way.TO_CLIENT, middle, pause=0.05)
        with ends_within(HASTY_ENDS), pytest.raises(TemporaryError, match="too long"):
            reader.read(replace(PATIENT, bulk=1, logout=0.5))


@pytest.mark.parametrize("way", Way)
def test_a_slow_line_is_no_fault(dovecot: DovecotServer, way: Way) -> None:
    with line(dovecot) as reader:
        reader.suffers(Kind.DELAY, way, pause=0.02)
        reader.read()


def test_an_answer_that_comes_too_late_is_an_error(dovecot: DovecotServer) -> None:
    with line(dovecot) as reader:
        middle = reader.read()[Way.TO_CLIENT] // 2
        reader.suffers(Kind.DELAY, Way.TO_CLIENT, middle, pause=5)
        with ends_within(HASTY_ENDS), pytest.raises(TemporaryError, match="too long"):
            reader.read(HASTY)
