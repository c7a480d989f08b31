"""How a server's octets come changes nothing: in one piece, in drips, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import TemporaryError
from postroom.transport.imap.server import Timings
from tests.transport.imap.memory import Line, Network, network
from tests.transport.imap.strict import Asked
from tests.transport.imap.transcript import Flow, Outcome, Recorded, tell

# Each deadline is another, so that the seconds tell which one it was.
TIMINGS = Timings(
    connect=11, login=13, command=17, silence=19, bulk=600, idle_probe=23, idle_done=29
)
# By the command that is not answered: how long the client waits for it.
DEADLINES = {
    "CAPABILITY": 17.0,
    "LOGIN": 13.0,
    "NAMESPACE": 17.0,
    "SELECT": 17.0,
    "UID SEARCH": 19.0,
    "UID FETCH": 19.0,
    "UID STORE": 19.0,
    "UID MOVE": 19.0,
    "IDLE": 17.0,
    "DONE": 29.0,
}


@pytest.fixture(scope="module")
def wires() -> Iterator[Network]:
    """A network in memory, for all sessions of this module."""
    with network() as made:
        yield made


@pytest.fixture(scope="module")
def whole(wires: Network) -> Outcome:
    """The outcome of the session whose answers come in one piece each."""
    return tell(wires, Recorded())


def octetwise(octets: bytes) -> Iterator[bytes]:
    """One octet at a time."""
    return (octets[at : at + 1] for at in range(len(octets)))


def test_a_session_in_single_octets_is_the_same(wires: Network, whole: Outcome) -> None:
    assert whole.error is None
    assert tell(wires, Recorded(Flow(pieces=octetwise))) == whole


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_a_session_in_any_pieces_is_the_same(
    wires: Network, whole: Outcome, sizes: list[int]
) -> None:
    def pieces(octets: bytes) -> Iterable[bytes]:
        repeated = sizes * (len(octets) // sum(sizes) + 1)
        edges = [0, *(sum(repeated[:count]) for count in range(1, len(repeated) + 1))]
        return filter(None, (octets[start:end] for start, end in pairwise(edges)))

    assert tell(wires, Recorded(Flow(pieces=pieces))) == whole


# -- stalls ----------------------------------------------------------------------------


@dataclass
class Stalling(Recorded):
    """A server that falls silent at the answer to one command."""

    command: str = ""

    def answer(self, asked: Asked) -> bytes:
        """Nothing, if it is the one."""
        return b"" if asked.verb == self.command else super().answer(asked)


@pytest.mark.parametrize("command", DEADLINES)
def test_an_answer_that_does_not_come_is_waited_for_until_its_own_deadline(
    wires: Network, command: str
) -> None:
    server = Stalling(command=command)
    outcome = tell(wires, server, TIMINGS)
    assert isinstance(outcome.error, TemporaryError)
    assert outcome.seconds == DEADLINES[command]
    assert server.verbs[-1] == command


def test_a_greeting_that_does_not_come_is_waited_for_until_its_own_deadline(
    wires: Network,
) -> None:
    outcome = tell(wires, Recorded(Flow(limit=0)), TIMINGS)
    assert isinstance(outcome.error, TemporaryError)
    assert outcome.seconds == TIMINGS.connect


def test_a_leave_that_is_not_answered_costs_its_deadline_and_nothing_else(
    wires: Network,
) -> None:
    outcome = tell(wires, Stalling(command="LOGOUT"), TIMINGS)
    assert (outcome.error, outcome.seconds) == (None, TIMINGS.logout)


def test_an_idle_without_news_is_probed_until_there_are_some(wires: Network) -> None:
    @dataclass
    class Quiet(Recorded):
        """A server that has news in the third IDLE only."""

        def answer(self, asked: Asked) -> bytes:
            """Say nothing in the first two."""
            early = self.verbs.count("IDLE") < 3
            whole = super().answer(asked)
            return b"+ idling\r\n" if asked.verb == "IDLE" and early else whole

    server = Quiet()
    outcome = tell(wires, server, TIMINGS)
    assert (outcome.error, outcome.seconds) == (None, 2 * TIMINGS.idle_probe)
    assert server.verbs.count("DONE") == 3


# -- drips -----------------------------------------------------------------------------


@dataclass
class Dripping(Recorded):
    """A server that needs `pause` seconds for each octet of its answer to SEARCH."""

    pause: float = 0

    def heard(self, line: Line, octets: bytes) -> None:
        """Answer as slowly as that from here on."""
        searching = b"UID SEARCH" in octets
        self.flow = Flow(pieces=octetwise, pause=self.pause if searching else 0)
        super().heard(line, octets)


@pytest.mark.parametrize(
    ("pause", "seconds"),
    [
        (TIMINGS.silence + 1, TIMINGS.silence),
        (TIMINGS.silence - 1, TIMINGS.bulk),
    ],
    ids=["too slowly", "for too long"],
)
def test_an_answer_that_drips_is_given_up(
    wires: Network, pause: float, seconds: float
) -> None:
    server = Dripping(pause=pause)
    outcome = tell(wires, server, TIMINGS)
    assert isinstance(outcome.error, TemporaryError)
    assert outcome.seconds == seconds
    assert server.verbs[-1] == "UID SEARCH"


def test_an_answer_that_drips_and_ends_in_time_is_taken(
    wires: Network, whole: Outcome
) -> None:
    outcome = tell(wires, Dripping(pause=5), TIMINGS)
    assert (outcome.told, outcome.error) == (whole.told, None)
    assert outcome.seconds > TIMINGS.silence
