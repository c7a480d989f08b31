"""A maildrop that cuts, refuses, forgets or lies: each message is handled once.

The six messages are kept, forwarded, moved and forwarded, flagged, deleted, and filed.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.endtoend.maildrops import PopDaemon, PopHouse, in_the_clear
from tests.endtoend.sorting import SIX, expect, expect_forwards, found_in, letter
from tests.servers.maildrop import Letter, Maildrop

NUMBERS = range(len(SIX))
LETTERS = [letter(number, SIX) for number in NUMBERS]


@pytest.fixture
def daemon(house: PopHouse, maildrop: Maildrop) -> PopDaemon:
    """A daemon at a maildrop of the six messages."""
    maildrop.put(*LETTERS)
    return house.daemon(in_the_clear(maildrop.port))


def fail(daemon: PopDaemon, words: str = "") -> None:
    """A visit that fails, and says so in these words."""
    failures = daemon.visit()
    assert failures
    assert words in failures[0]


def finish(daemon: PopDaemon, house: PopHouse, maildrop: Maildrop) -> None:
    """Two visits without trouble: each message is where it must be, everything was sent
    once, and nothing is left on the server."""
    maildrop.answers.clear()
    maildrop.cut_behind, maildrop.farewell = None, b"+OK bye\r\n"
    maildrop.removes = None
    for _ in range(2):
        assert daemon.visit() == ()
    assert found_in(daemon.stored()) == expect(NUMBERS, SIX)
    assert house.sent(SIX) == expect_forwards(NUMBERS, SIX)
    assert maildrop.letters == []


@pytest.mark.parametrize(
    "command",
    ["CAPA", "USER", "PASS", "LIST", "UIDL", "RETR 1", "RETR 6", "DELE 1", "DELE 6"],
)
def test_a_cut_behind_any_command_repeats_nothing(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop, command: str
) -> None:
    maildrop.cut_behind = command
    fail(daemon, "the connection was lost")
    finish(daemon, house, maildrop)


def test_what_was_marked_before_a_cut_is_marked_again_and_not_retrieved_again(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop
) -> None:
    maildrop.cut_behind = "DELE 4"
    fail(daemon)
    assert len(maildrop.letters) == len(LETTERS)
    marked = maildrop.said("DELE")
    finish(daemon, house, maildrop)
    assert sorted(maildrop.said("RETR")) == [*"123456"]
    assert set(marked) < set(maildrop.said("DELE")[len(marked) :])


def test_a_message_that_is_cut_off_in_the_middle_is_no_message(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop
) -> None:
    half = LETTERS[3][: len(LETTERS[3]) // 2]
    maildrop.answers["RETR 4"] = b"+OK\r\n" + half
    maildrop.cut_behind = "RETR 4"
    fail(daemon)
    stored = [raw for _, raw, _ in found_in(daemon.stored())]
    assert not [raw for raw in stored if raw not in LETTERS]
    finish(daemon, house, maildrop)


@pytest.mark.parametrize("farewell", [None, b"-ERR some are left\r\n", b"what?\r\n"])
@pytest.mark.parametrize("removes", [0, 1, None])
def test_a_farewell_that_is_no_ok_removes_what_it_likes(
    daemon: PopDaemon,
    house: PopHouse,
    maildrop: Maildrop,
    farewell: bytes | None,
    removes: int | None,
) -> None:
    """What is still there is removed the next time, and is not handled again: that it
    is the same, and no other by its name, is told by its octets."""
    maildrop.farewell, maildrop.removes = farewell, removes
    fail(daemon)
    assert bool(maildrop.letters) == (removes is not None)
    finish(daemon, house, maildrop)


def test_without_uidl_what_is_kept_is_known_by_its_octets(
    house: PopHouse, maildrop: Maildrop
) -> None:
    """Two that are equal are two; one that comes later is new."""
    maildrop.put(*LETTERS, LETTERS[0])
    maildrop.names, maildrop.capabilities = False, ("TOP",)
    daemon = house.daemon(in_the_clear(maildrop.port), "keep = true")
    for _ in range(2):
        assert daemon.visit() == ()
    assert found_in(daemon.stored()) == expect([*NUMBERS, 0], SIX)
    maildrop.put(letter(6, SIX), letter(7, SIX))
    assert daemon.visit() == ()
    assert found_in(daemon.stored()) == expect([*range(8), 0], SIX)
    assert house.sent(SIX) == expect_forwards(range(8), SIX)
    assert len(maildrop.letters) == 9


@pytest.mark.parametrize("says", [True, False])
def test_without_uidl_nothing_is_lost_nor_repeated(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop, says: bool
) -> None:
    """Whether or not the server says what it has."""
    maildrop.names, maildrop.capabilities = False, ("TOP", "PIPELINING")
    maildrop.answers |= {} if says else {"CAPA": b"-ERR what?\r\n"}
    for _ in range(2):
        assert daemon.visit() == ()
    finish(daemon, house, maildrop)


@pytest.mark.parametrize("uidl", ["same", "", "x" * 71, "y" * 400, "a b", "\xe9"])
def test_unique_ids_that_are_none_lose_and_repeat_nothing(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop, uidl: str
) -> None:
    """Twice the same, empty, above 70 characters (RFC 1939, section 7), not printable;
    the others are in order."""
    first, second, *others = maildrop.letters
    maildrop.letters[:] = [
        replace(first, uidl=uidl),
        replace(second, uidl=uidl),
        *others,
    ]
    finish(daemon, house, maildrop)


def test_unique_ids_that_are_all_given_anew_repeat_nothing(
    house: PopHouse, maildrop: Maildrop
) -> None:
    """Of a maildrop of thirty; what came at that moment waits for the owner."""
    numbers = range(30)
    maildrop.put(*(letter(number, SIX) for number in numbers))
    daemon = house.daemon(in_the_clear(maildrop.port), "keep = true")
    for _ in range(2):
        assert daemon.visit() == ()
    maildrop.letters[:] = [
        replace(each, uidl=f"new-{each.uidl}") for each in maildrop.letters
    ]
    assert daemon.visit() == ()
    assert daemon.visit() == ()
    assert found_in(daemon.stored()) == expect(numbers, SIX)
    assert house.sent(SIX) == expect_forwards(numbers, SIX)


def test_a_server_that_hides_what_was_retrieved_loses_nothing(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop
) -> None:
    """It is cut in the middle: what was hidden by then is here."""
    maildrop.hides, maildrop.cut_behind = True, "RETR 4"
    fail(daemon)
    maildrop.cut_behind = None
    for _ in range(2):
        assert daemon.visit() == ()
    assert found_in(daemon.stored()) == expect(NUMBERS, SIX)
    assert house.sent(SIX) == expect_forwards(NUMBERS, SIX)


@pytest.mark.parametrize(
    "refusal",
    [b"-ERR [IN-USE] somebody reads it\r\n", b"-ERR maildrop is locked\r\n"],
)
def test_a_maildrop_that_is_locked_is_visited_later(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop, refusal: bytes
) -> None:
    maildrop.answers["PASS"] = refusal
    fail(daemon, refusal.decode().strip().removeprefix("-ERR "))
    finish(daemon, house, maildrop)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("LIST", b"+OK\r\n1 many\r\n.\r\n"),
        ("LIST", b"+OK\r\n1 5\r\n1 5\r\n2 7\r\n.\r\n"),
        ("LIST", b"+OK\r\n-1 5\r\n.\r\n"),
        ("RETR 2", b"what?\r\n"),
        ("DELE 2", b"\0\0\0\r\n"),
        ("PASS", b"+FINE\r\n"),
    ],
)
def test_an_answer_that_can_not_be_read_costs_a_visit_and_no_mail(
    daemon: PopDaemon,
    house: PopHouse,
    maildrop: Maildrop,
    command: str,
    answer: bytes,
) -> None:
    maildrop.answers[command] = answer
    fail(daemon)
    finish(daemon, house, maildrop)


@pytest.mark.parametrize(
    "answer", [b"+OK\r\nnonsense\r\n.\r\n", b"+OK\r\n1\r\n.\r\n", b"+OK\r\n.\r\n"]
)
def test_a_list_of_unique_ids_that_can_not_be_read_repeats_nothing(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop, answer: bytes
) -> None:
    maildrop.answers["UIDL"] = answer
    daemon.visit()
    finish(daemon, house, maildrop)


def test_one_message_that_the_server_refuses_stops_no_other(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop
) -> None:
    """It stays there, and is handled once it is given."""
    maildrop.answers["RETR 1"] = b"-ERR it is damaged\r\n"
    daemon.visit()
    assert found_in(daemon.stored()) == expect(NUMBERS[1:], SIX)
    assert [each.uidl for each in maildrop.letters] == ["uidl-0001"]
    finish(daemon, house, maildrop)


def test_a_message_that_is_never_given_stays_on_the_server_and_is_told(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop
) -> None:
    maildrop.answers["RETR 1"] = b"-ERR it is damaged\r\n"
    for _ in range(5):
        daemon.visit()
    assert [each.uidl for each in maildrop.letters] == ["uidl-0001"]
    assert "1 quarantined" in daemon.command("status").stdout


def test_counts_are_never_believed(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop
) -> None:
    maildrop.answers |= {"STAT": b"+OK 0 0\r\n", "LAST": b"+OK 6\r\n"}
    finish(daemon, house, maildrop)
    assert maildrop.said("LAST") == []


def test_a_new_message_with_the_unique_id_of_one_that_is_gone_is_new(
    daemon: PopDaemon, house: PopHouse, maildrop: Maildrop
) -> None:
    """RFC 1939, section 7: servers should not do so, and do."""
    for _ in range(2):
        assert daemon.visit() == ()
    again = letter(7, SIX)
    maildrop.letters.append(Letter("uidl-0001", (again,)))
    for _ in range(2):
        assert daemon.visit() == ()
    assert found_in(daemon.stored()) == expect([*NUMBERS, 7], SIX)
    assert house.sent(SIX) == expect_forwards([*NUMBERS, 7], SIX)
