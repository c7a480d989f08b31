"""The judges of the soak see what is wrong, and nothing where all is well."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.servers.reading import Stored
from tests.servers.troubled import Record
from tests.soak.findings import differences
from tests.soak.letters import KINDS, RING, Letter, expected, number_in, observed
from tests.soak.verdict import (
    count_logins,
    doubled_listeners,
    most_connections,
    most_short_logins,
)


def spoken(opened: float, closed: float | None, *commands: tuple[float, str]) -> Record:
    """A connection on which this was said at these times."""
    record = Record(opened=opened, closed=closed)
    for at, command in commands:
        record.hear(f"a1 {command}\r\n".encode(), at)
    return record


def test_two_connections_with_one_mailbox_selected_are_two_listeners() -> None:
    one = spoken(0, 50, (1, 'SELECT "INBOX"'))
    two = spoken(30, None, (31, 'SELECT "INBOX"'))
    assert doubled_listeners([one, two]) == ["two listeners on INBOX for 19.0 s"]


@pytest.mark.parametrize(
    "first",
    [
        spoken(0, 30.2, (1, 'SELECT "INBOX"')),  # heard of a little late
        spoken(0, None, (1, 'SELECT "INBOX"'), (20, 'SELECT "Work"')),
        spoken(0, None, (1, 'SELECT "INBOX"'), (20, 'EXAMINE "Work"')),
        spoken(0, None, (1, 'SELECT "INBOX"'), (20, "LOGOUT")),
        spoken(0, None, (1, 'EXAMINE "INBOX"')),
        spoken(0, None, (1, 'STATUS "INBOX" (UIDNEXT)')),
        spoken(0, None, (1, 'SELECT "Home"')),
    ],
)
def test_who_has_left_a_mailbox_or_never_had_it_is_no_listener(first: Record) -> None:
    assert doubled_listeners([first, spoken(30, None, (30, 'SELECT "INBOX"'))]) == []


def test_connections_are_counted_while_they_stand() -> None:
    records = [spoken(0, 10), spoken(1, None), spoken(2, 5), spoken(5.1, 20)]
    assert most_connections(records) == 3
    assert most_connections([*records, spoken(3, 4)]) == 4


def test_logins_that_did_not_last_are_counted_by_the_hour() -> None:
    """In a hurry of 6 an hour is 600 seconds, and a minute is 10."""
    short = [spoken(at, at + 9, (at + 0.5, "LOGIN x y")) for at in (0, 300, 601)]
    lasting = spoken(0, 11, (0.5, "LOGIN x y"))
    standing = spoken(0, None, (0.5, "LOGIN x y"))
    unused = spoken(0, 1)
    records = [*short, lasting, standing, unused]
    assert most_short_logins(records, 6) == 2
    assert most_short_logins(records, 1) == 4
    assert most_short_logins([unused], 6) == 0
    assert count_logins(records) == 5


def test_every_account_mailbox_and_kind_comes_in_turn() -> None:
    letters = [Letter(n, 4) for n in range(4 * len(RING) * len(KINDS))]
    found = Counter((each.account, each.mailbox, each.kind) for each in letters)
    assert len(found) == len(letters)


def test_a_letter_in_the_wrong_place_is_told_both_ways() -> None:
    letters = [Letter(number, 1) for number in range(40)]
    handed_on = letters[5 * 5]
    assert handed_on.kind.subject == "hand on this"
    wanted = expected(letters)
    found = {0: wanted[0].copy()}
    assert list(differences(wanted, found)) == []
    found[0][("Work", 25, frozenset[str]())] -= 1
    found[0][("Team", 25, frozenset[str]())] += 1
    assert list(differences(wanted, found)) == [
        "account 0: missing: letter 25 in Work, flags []",
        "account 0: too much: letter 25 in Team, flags []",
    ]


def test_what_came_twice_or_lost_a_part_is_seen() -> None:
    raw = Letter(3, 1).raw
    stored = Stored(frozenset(), b"Return-Path: <x>\r\n" + raw)
    assert observed({"INBOX": [stored, stored]}) == {("INBOX", 3, frozenset()): 2}
    assert number_in(raw[:-1]) == -1
    assert number_in(b"Subject: x\r\n\r\n") == -1
