"""The judges of the random kills see what is wrong, and excuse only the window."""

from __future__ import annotations

from dataclasses import replace

from tests.crash.random_letters import BOOKS, KINDS, Letter, number_of
from tests.crash.random_round import Outcome
from tests.crash.random_table import percentile, problems, table
from tests.crash.random_verdict import Sent, judge, read_sent
from tests.servers.sink import Received, acceptance

LETTERS = {n: Letter(n, "held", "me@dovecot.test") for n in range(len(KINDS))}
FORWARDED = [n for n, letter in LETTERS.items() if letter.kind.forwarded]
(ANSWERED,) = (n for n, letter in LETTERS.items() if letter.kind.answered)
FIRST = FORWARDED[0]
OUTCOME = Outcome(1, 20, 9, 4, 0, 0, 0, 0, [1.0], 0, 0, 0, [])


def taken(number: int, connection: int, at: float) -> Received:
    """The letter of this number, forwarded, as the server has it."""
    raw = b"Subject: Fwd\r\n\r\n" + LETTERS[number].raw
    return Received("me@dovecot.test", (BOOKS,), raw, (), (), connection, at)


def in_doubt(
    *received: Received, heard: int | None = None, kill: float = 9e9
) -> list[bool]:
    """Which of them may go out again, if so many acceptances (all, if it is not said)
    were passed on, and the daemon was killed at this time."""
    most = len(received) if heard is None else heard
    said = "".join(f"{acceptance(place)}\r\n" for place in range(most)).encode()
    return [one.in_doubt for one in read_sent(received, said, [kill], LETTERS)]


def sent(number: int, *, doubt: bool = False, answers: bool = False) -> Sent:
    """A message that was taken."""
    return Sent(number, answers, b"the same", doubt)


def test_an_acceptance_that_was_heard_in_peace_is_beyond_doubt() -> None:
    assert in_doubt(taken(FIRST, 1, 100)) == [False]


def test_one_that_was_never_passed_on_is_in_doubt() -> None:
    assert in_doubt(taken(FIRST, 1, 100), heard=0) == [True]


def test_one_at_which_the_daemon_was_killed_is_in_doubt() -> None:
    assert in_doubt(taken(FIRST, 1, 100), kill=100.2) == [True]
    assert in_doubt(taken(FIRST, 1, 100), kill=103) == [False]


def test_one_that_was_followed_by_another_was_read() -> None:
    both = taken(FIRST, 1, 100), taken(FORWARDED[1], 1, 100.1)
    assert in_doubt(*both, kill=100.2) == [False, True]
    assert in_doubt(both[0], replace(both[1], connection=2), kill=100.2) == [True, True]


def test_only_what_is_in_doubt_may_go_out_again() -> None:
    done = [*map(sent, FORWARDED), sent(ANSWERED, answers=True)]
    verdict = judge(done, LETTERS.values())
    assert list(verdict.problems(0)) == []
    again = judge([sent(FIRST, doubt=True), *done], LETTERS.values())
    assert (again.excused, list(again.problems(0))) == ([FIRST], [])
    again = judge([sent(FIRST), *done], LETTERS.values())
    assert list(again.problems(0)) == [f"letter {FIRST} was forwarded again"]


def test_what_was_never_sent_is_lost() -> None:
    verdict = judge(map(sent, FORWARDED[1:]), LETTERS.values())
    assert verdict.lost == [FIRST]
    assert len(list(verdict.problems(1))) == 1
    assert len(list(verdict.problems(0))) == 2


def test_an_answer_is_never_repeated_not_even_in_doubt() -> None:
    answers = [sent(ANSWERED, doubt=True, answers=True)] * 2
    verdict = judge([*map(sent, FORWARDED), *answers], LETTERS.values())
    assert list(verdict.problems(0)) == [f"letter {ANSWERED} was answered again"]


def test_another_attempt_has_the_same_octets() -> None:
    other = replace(sent(FIRST, doubt=True), raw=b"made anew")
    verdict = judge([other, *map(sent, FORWARDED)], LETTERS.values())
    assert verdict.altered == [FIRST]


def test_a_letter_that_lost_a_part_is_none() -> None:
    assert number_of(LETTERS[3].raw, LETTERS) == 3
    assert number_of(LETTERS[3].raw[:-1], LETTERS) == -1


def test_a_campaign_says_how_slow_the_slowest_of_a_hundred_is() -> None:
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([3.0], 0.99) == 3
    assert problems([OUTCOME]) == []
    slow = replace(OUTCOME, recoveries=[1.0, 11.0])
    assert problems([OUTCOME, slow]) == [
        "of a hundred recoveries one takes longer than 11.0 s"
    ]
    assert "kills                              40" in table([OUTCOME, slow])
