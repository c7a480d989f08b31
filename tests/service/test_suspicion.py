"""What ends the connection each time is found, and left out in the end."""

from __future__ import annotations

from postroom.errors import RefusedForNow, TemporaryError
from postroom.service.batches import BatchSizes
from postroom.service.suspicion import Suspicion

CUT = TemporaryError("cut")
SIZES = BatchSizes(first=100, most=100)


def lengths(suspicion: Suspicion, uids: range) -> list[int]:
    return [len(batch) for batch in suspicion.split(list(uids), SIZES)]


def test_a_batch_that_ended_the_connection_is_taken_in_smaller_ones() -> None:
    suspicion = Suspicion()
    suspicion.note(range(1, 101), 0, CUT)
    assert lengths(suspicion, range(1, 151)) == [*[12] * 8, 4, 50]
    suspicion.note(range(13, 25), 0, CUT)
    assert lengths(suspicion, range(1, 37)) == [12, *[1] * 12, 12]


def test_what_was_handled_is_suspected_no_more() -> None:
    suspicion = Suspicion()
    suspicion.note(range(1, 101), 0, CUT)
    suspicion.clear(range(1, 101))
    assert lengths(suspicion, range(1, 101)) == [100]


def test_a_message_that_ends_it_three_times_by_itself_verdict() -> None:
    suspicion = Suspicion()
    for seconds in (0, 300, 600):
        assert not suspicion.verdict([7], seconds)
        suspicion.note([7], seconds, CUT)
    assert suspicion.verdict([7], 600) == "it can't be fetched: cut"
    assert not suspicion.verdict([7, 8], 600)
    suspicion.clear([7])
    assert not suspicion.verdict([7], 600)


def test_a_network_that_is_down_for_a_while_makes_none_unreadable() -> None:
    suspicion = Suspicion()
    for seconds in range(0, 590, 10):
        suspicion.note([7], seconds, CUT)
        assert not suspicion.verdict([7], seconds)


def test_what_is_refused_for_now_is_given_more_time() -> None:
    """A store that is away is no fault of the message; one that is refused for ever
    must not stop its mailbox."""
    suspicion = Suspicion()
    for seconds in range(0, 3600, 300):
        assert not suspicion.verdict([7], seconds)
        suspicion.note([7], seconds, RefusedForNow("[UNAVAILABLE]"))
    assert suspicion.verdict([7], 3600) == "it can't be fetched: [UNAVAILABLE]"
