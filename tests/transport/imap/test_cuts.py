"""Wherever a session is cut, the client ends at once, and on nothing but whole answers.

Every octet of a rich session is the last one once: then the server closes, resets or
falls silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from postroom.errors import RefusedForNow, TemporaryError
from postroom.transport.imap.server import Timings
from tests.transport.imap.memory import Line, Network, network
from tests.transport.imap.scripted import Peer, account_at, theatre
from tests.transport.imap.transcript import (
    PASSWORD,
    Flow,
    Outcome,
    Recorded,
    Told,
    story,
    tell,
)

COMMANDS = [
    *("CAPABILITY", "LOGIN", "CAPABILITY", "NAMESPACE", "SELECT", "UID SEARCH"),
    *("UID FETCH", "UID FETCH", "UID STORE", "UID MOVE", "IDLE", "DONE", "LOGOUT"),
]


TIMINGS = Timings()
# What a client waits for, by the command it sent last.
DEADLINES = {
    None: TIMINGS.connect,
    "LOGOUT": TIMINGS.logout,
    "DONE": TIMINGS.idle_done,
}


def close(line: Line) -> None:
    """Hang up in order: the client reads the end of the file."""
    line.hang_up()


def reset(line: Line) -> None:
    """Hang up rudely."""
    line.hang_up(ConnectionResetError("reset by peer"))


every_end = pytest.mark.parametrize("end", [close, reset])


@pytest.fixture(scope="module")
def wires() -> Iterator[Network]:
    """A network in memory, for all sessions of this module."""
    with network() as made:
        yield made


@pytest.fixture(scope="module")
def whole(wires: Network) -> tuple[Recorded, Outcome]:
    """The session that nothing cuts, and its outcome."""
    server = Recorded()
    return server, tell(wires, server)


def test_the_session_that_is_cut_is_a_rich_one(whole: tuple[Recorded, Outcome]) -> None:
    server, outcome = whole
    assert server.verbs == COMMANDS
    assert (outcome.error, outcome.seconds, len(outcome.told)) == (None, 0, 7)


@every_end
def test_a_session_cut_at_any_octet_ends_at_once_and_on_whole_answers(
    wires: Network, whole: tuple[Recorded, Outcome], end: Callable[[Line], None]
) -> None:
    for limit in range(len(whole[0].said)):
        server = Recorded(Flow(limit, end))
        outcome = tell(wires, server)
        assert_cut_short(server, outcome, whole)
        assert outcome.seconds == 0


def test_a_session_that_stalls_at_any_octet_ends_by_the_deadline_of_its_step(
    wires: Network, whole: tuple[Recorded, Outcome]
) -> None:
    for limit in range(len(whole[0].said)):
        server = Recorded(Flow(limit))
        outcome = tell(wires, server)
        assert_cut_short(server, outcome, whole)
        last = server.verbs[-1] if server.verbs else None
        unmoved = last == "DONE" and b"* 2 EXISTS\r\n" not in server.said
        waited = TIMINGS.idle_probe if unmoved else 0
        assert outcome.seconds == waited + DEADLINES.get(last, TIMINGS.command)


def assert_cut_short(
    server: Recorded, outcome: Outcome, whole: tuple[Recorded, Outcome]
) -> None:
    """What was told and asked is a beginning of the whole session, and as much of it as
    the whole answers allow."""
    told = whole[1].told
    assert outcome.told == told[: len(outcome.told)]
    if outcome.told == told:
        assert outcome.error is None
    else:
        assert isinstance(outcome.error, TemporaryError)
        assert not isinstance(outcome.error, RefusedForNow)
    assert server.verbs == COMMANDS[: len(server.asked)]
    # DONE may be sent in the middle of what a server says in IDLE.
    assert len([verb for verb in server.verbs if verb != "DONE"]) <= server.answered


# -- over sockets ----------------------------------------------------------------------


@dataclass
class Socketed:
    """A connection of a scripted server, for one that is made for memory."""

    peer: Peer

    def say(self, octets: bytes, delay: float = 0) -> None:
        """Send these octets."""
        assert not delay, "a socket has a clock of its own"
        self.peer.writer.write(octets)

    def hang_up(self, error: Exception | None = None) -> None:
        """Close the connection, or reset it if there is an error."""
        if error:
            self.peer.reset()
        else:
            self.peer.cut()


@every_end
@pytest.mark.parametrize("percent", range(0, 100, 12))
def test_a_session_over_a_socket_is_cut_short_as_one_in_memory(
    percent: int, end: Callable[[Line], None], whole: tuple[Recorded, Outcome]
) -> None:
    record = Recorded(Flow(len(whole[0].said) * percent // 100, end))
    told: Told = []

    async def server(peer: Peer) -> None:
        line = Socketed(peer)
        record.met(line)
        while not peer.writer.is_closing() and (octets := await peer.reader.read(4096)):
            record.heard(line, octets)

    async def client() -> None:
        async with asyncio.timeout(30), theatre(server) as port:
            account = account_at(port, password=PASSWORD)
            async with account.connect() as session:
                await story(await session.open("INBOX"), told)

    with pytest.raises(TemporaryError) as raised:
        asyncio.run(client())
    assert_cut_short(record, Outcome(told, raised.value, 0), whole)
