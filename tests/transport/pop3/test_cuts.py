"""Wherever a session is cut, the client ends at once, and on nothing but whole answers.

Every octet of a rich session is the last one once: then the server closes, resets or
falls silent. How its octets come changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import RefusedForNow, TemporaryError, Unreached
from postroom.transport.pop3.connection import Connection
from postroom.transport.pop3.server import Timings
from tests.transport.imap.memory import Line, Network, network
from tests.transport.imap.transcript import Flow, Outcome, Told
from tests.transport.pop3.memory import InMemory, visit
from tests.transport.pop3.scripted import ALL, PopServer

# Each deadline is another, so that the seconds tell which one it was.
TIMINGS = Timings(
    connect=11, login=13, command=17, silence=19, bulk=400, quit=23, close=29
)
DEADLINES = {"GREETING": 11, "AUTH": 13, "NOOP": 17, "DELE": 17, "QUIT": 23}
MESSAGES = {
    "a": b"Subject: a\r\n\r\n.\r\n..\r\n+OK\r\n.x\r\n",
    "b": b"",
    "c": b"Subject: c\r\n\r\n\n.\n\r.\r\0-ERR\r\n",
}


def server(*without: str) -> PopServer:
    """A server that can do everything but these."""
    kept = tuple(name for name in ALL if name not in without)
    return PopServer(dict(MESSAGES), capabilities=kept)


def close(line: Line) -> None:
    """Hang up in order: the client reads the end of the file."""
    line.hang_up()


def reset(line: Line) -> None:
    """Hang up rudely."""
    line.hang_up(ConnectionResetError("reset by peer"))


def octetwise(octets: bytes) -> Iterator[bytes]:
    """One octet at a time."""
    return (octets[at : at + 1] for at in range(len(octets)))


@pytest.fixture(scope="module")
def wires() -> Iterator[Network]:
    """A network in memory, for all sessions of this module."""
    with network() as made:
        yield made


ways = pytest.mark.parametrize("without", [(), ("PIPELINING",)], ids=["many", "one"])


def whole(wires: Network, without: tuple[str, ...] = ()) -> tuple[InMemory, Outcome]:
    """The session that nothing cuts, and its outcome."""
    record = InMemory(server(*without))
    return record, visit(wires, record)


@ways
def test_the_session_that_is_cut_is_a_rich_one(
    wires: Network, without: tuple[str, ...]
) -> None:
    record, outcome = whole(wires, without)
    assert (outcome.error, outcome.seconds) == (None, 0)
    assert [told for told in outcome.told if isinstance(told, tuple)] == list(
        enumerate(MESSAGES.values(), start=1)
    )
    assert record.server.messages.keys() == {"b"}
    assert outcome.told[-2:] == ["proved", "quit"]


@ways
@pytest.mark.parametrize("end", [close, reset, None], ids=["close", "reset", "stall"])
def test_a_session_cut_at_any_octet_ends_in_time_and_on_whole_answers(
    wires: Network, without: tuple[str, ...], end: Callable[[Line], None] | None
) -> None:
    said, full = whole(wires, without)
    for limit in range(len(said.said)):
        record = InMemory(server(*without), Flow(limit, end))
        outcome = visit(wires, record, TIMINGS)
        assert outcome.told == full.told[: len(outcome.told)]
        assert isinstance(outcome.error, TemporaryError)
        assert not isinstance(outcome.error, RefusedForNow)
        waiting = said.answered[len(record.answered)]
        assert isinstance(outcome.error, Unreached) == (
            "AUTH" not in [*record.answered, waiting]
        )
        late = DEADLINES.get(waiting, TIMINGS.silence)
        assert outcome.seconds == (0 if end else late)
        # Nobody may believe in a removal that nobody has confirmed.
        assert "quit" not in outcome.told


def test_a_session_in_single_octets_is_the_same(wires: Network) -> None:
    outcome = visit(wires, InMemory(server(), Flow(pieces=octetwise)))
    assert outcome == whole(wires)[1]


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_a_session_in_any_pieces_is_the_same(wires: Network, sizes: list[int]) -> None:
    def pieces(octets: bytes) -> Iterable[bytes]:
        repeated = sizes * (len(octets) // sum(sizes) + 1)
        edges = [0, *(sum(repeated[:count]) for count in range(1, len(repeated) + 1))]
        return filter(None, (octets[start:end] for start, end in pairwise(edges)))

    assert visit(wires, InMemory(server(), Flow(pieces=pieces))) == whole(wires)[1]


# -- drips -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "pause", "seconds"),
    [
        ("RETR", 20, 19),
        ("RETR", 18, 400),
        ("LIST", 18, 400),
        ("TOP", 20, 19),
        ("NOOP", 10, 17),
        ("AUTH", 10, 13),
        ("QUIT", 10, 23),
        ("GREETING", 10, 11),
    ],
)
def test_an_answer_that_drips_is_given_up(
    wires: Network, verb: str, pause: float, seconds: float
) -> None:
    slow = server("PIPELINING")
    slow.messages["a"] = slow.messages["c"] = MESSAGES["a"] * 9
    slow.greeting = "+OK hello"
    flow = Flow(pieces=octetwise, pause=pause)
    outcome = visit(wires, InMemory(slow, flow, slow=[verb]), TIMINGS)
    assert isinstance(outcome.error, TemporaryError)
    assert outcome.seconds == seconds


# -- round trips -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "trips"), [(1, 100), (7, 15), (16, 7), (32, 4), (64, 2), (None, 2)]
)
def test_messages_take_a_round_trip_a_window(
    wires: Network, window: int | None, trips: int
) -> None:
    many = PopServer({f"u{number}": b"x\r\n" for number in range(100)})
    assert _seconds(wires, many, window) == 1 + trips


def test_without_pipelining_each_command_takes_a_round_trip(wires: Network) -> None:
    few = PopServer({f"u{number}": b"x\r\n" for number in range(5)})
    few.capabilities = ("USER", "UIDL", "TOP")
    assert _seconds(wires, few, 64) == 2 + 5


@dataclass
class Steady(InMemory):
    """A server that needs a second for each answer to RETR, one after the other."""

    free_at: float = 0

    def heard(self, line: Line, octets: bytes) -> None:
        """Answer when the earlier ones are answered."""
        assert self.session is not None
        now = asyncio.get_running_loop().time()
        for command, said in self.session.hear(octets):
            seconds = 1 if command.startswith("RETR") else 0
            self.free_at = max(now, self.free_at) + seconds
            line.say(said, self.free_at - now)


def test_more_is_asked_for_before_all_is_answered(wires: Network) -> None:
    many = PopServer({f"u{number}": b"x\r\n" for number in range(8)})

    async def use(connection: Connection, told: Told) -> None:
        await connection.login("ann", "secret")
        listing = await connection.listing()
        async for piece in connection.retrieve(listing, window=4):
            told.append((piece.number, len(many.commands("RETR"))))
        await connection.quit()

    outcome = visit(wires, Steady(many), use=use)
    asked = [4, 5, 6, 7, 8, 8, 8, 8]
    assert outcome.told == list(enumerate(asked, start=1))
    assert outcome.seconds == 8


def _seconds(wires: Network, server: PopServer, window: int | None) -> float:
    """How long a listing and all messages take if a round trip takes a second."""
    near = InMemory(server)

    async def use(connection: Connection, told: Told) -> None:
        await connection.login("ann", "secret")
        near.delay = 1
        listing = await connection.listing()
        async for piece in connection.retrieve(listing, window):
            told.append(piece.number)
        near.delay = 0
        await connection.quit()

    outcome = visit(wires, near, use=use)
    assert outcome.told == list(range(1, len(server.messages) + 1))
    return outcome.seconds


# -- out of turn -----------------------------------------------------------------------


@dataclass
class Talkative(InMemory):
    """A server that says one more thing a second after it has answered NOOP."""

    def heard(self, line: Line, octets: bytes) -> None:
        """Answer, and say more later."""
        super().heard(line, octets)
        if octets == b"NOOP\r\n":
            line.say(b"+OK\r\n", delay=1)


def test_what_is_said_while_nothing_is_owed_is_no_later_answer(wires: Network) -> None:
    async def use(connection: Connection, told: Told) -> None:
        await connection.login("ann", "secret")
        await connection.prove()
        await asyncio.sleep(2)  # of this network: no time passes
        told.append("asked")
        await connection.prove()

    outcome = visit(wires, Talkative(server()), use=use)
    assert outcome.told == ["asked"]
    assert "out of turn" in str(outcome.error)


def test_the_story_leaves_no_lock_behind(wires: Network) -> None:
    visited = server()
    assert visit(wires, InMemory(visited)).error is None
    assert not visited.locked
