"""Rules that sort mail into eight folders, and what they must make of each message.

Most is sorted by its header. Fewer are forwarded, flagged, deleted, or need their body.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from tests.endtoend.oracle import FLAGGED, SEEN, Kind, write
from tests.servers.reading import Stored

BOOKS = "books@kept.test"

RULES = f"""
[[rule]]
name = "lists"
when.list = "*"
then = [ {{ move = "Lists/python" }}, {{ mark = "read" }} ]

[[rule]]
name = "invoices"
when.subject = ["invoice", "/^rechnung [0-9]+$/"]
then = [ {{ move = "Rechnungen für 2026" }} ]

[[rule]]
name = "reports"
when.header = {{ X-Report = "*" }}
then = [ {{ move = "Work/Reports" }} ]

[[rule]]
name = "work"
when.from = "@work.example"
then = [ {{ move = "Work" }} ]

[[rule]]
name = "family"
when.from = ["mum@family.example", "dad@family.example"]
then = [ {{ move = "Family & Friends" }} ]

[[rule]]
name = "taipei"
when.subject = "台北"
then = [ {{ move = "台北" }} ]

[[rule]]
name = "shop"
when.any = [ {{ from = "@shop.example" }}, {{ header = {{ X-Shop = "yes" }} }} ]
then = [ {{ move = "Shop" }} ]

[[rule]]
name = "alerts"
when.header = {{ Precedence = "bulk" }}
then = [ {{ move = "Alerts" }} ]

[[rule]]
name = "junk"
when.from = "@spam.example"
then = [ {{ delete = true }} ]

[[rule]]
name = "pass on"
when.subject = "pass on"
then = [ {{ forward = "{BOOKS}" }} ]

[[rule]]
name = "settle"
when.subject = "settle"
then = [ {{ mark = "read" }}, {{ forward = "{BOOKS}" }}, {{ move = "Work" }} ]

[[rule]]
name = "urgent"
when.body = "/\\\\burgent\\\\b/"
then = [ {{ flag = true }} ]

[[rule]]
name = "secret"
when.subject = {{ is = "burn after reading" }}
then = [ {{ delete = "forever" }} ]
"""

SORTED = (
    Kind("Digest", "Lists/python", SEEN, extra="List-Id: <py.lists>"),
    Kind("=?utf-8?q?Rechnung_12?=", "Rechnungen für 2026"),
    Kind("Monday", "Work", sender="boss@work.example", body=".\r\n..\r\n. and"),
    Kind("Figures", "Work/Reports", sender="r@work.example", extra="X-Report: 7"),
    Kind("Dinner", "Family & Friends", sender="mum@family.example"),
    Kind("=?utf-8?b?5Y+w5YyX?=", "台北", body="\r\n\r\n.台北\r\n.\r\n"),
    Kind("Offer", "Shop", extra="X-Shop: YES"),
    Kind("Disk", "Alerts", extra="Precedence: bulk", body="x" * 5000),
)

KEPT = Kind("Lunch", "INBOX", body="Not insurgent.")
FORWARDED = Kind("Please pass on", "INBOX", forwarded=True, body=".dot\r\nHello.")
MOVED = Kind("Settle this", "Work", SEEN, forwarded=True)
MARKED = Kind("Fire", "INBOX", FLAGGED, body="This is urgent, come!")
DELETED = Kind("Cheap", "Trash", sender="x@spam.example")
BURNT = Kind("Burn after reading", None, body="Nothing.")

KINDS = (*SORTED, KEPT, FORWARDED, MOVED, MARKED, DELETED, BURNT, *3 * SORTED)
SIX = (KEPT, FORWARDED, MOVED, MARKED, DELETED, SORTED[0])

_NUMBER = re.compile(rb"^Message-ID: <(\d+)@tests>\r$", re.MULTILINE)

Found = Counter[tuple[str, bytes, frozenset[str]]]


@cache
def letter(number: int, kinds: Sequence[Kind] = KINDS) -> bytes:
    """The message of this number; its kind goes round."""
    return write(kinds[number % len(kinds)], number)


def expect(numbers: Iterable[int], kinds: Sequence[Kind] = KINDS) -> Found:
    """(folder, octets, flags) of all that must be there in the end."""
    wanted = ((number, kinds[number % len(kinds)]) for number in numbers)
    return Counter(
        (kind.mailbox, letter(number, kinds), kind.flags)
        for number, kind in wanted
        if kind.mailbox is not None
    )


def expect_forwards(
    numbers: Iterable[int], kinds: Sequence[Kind] = KINDS
) -> Counter[int]:
    """The numbers of the messages that must have been forwarded."""
    return Counter(n for n in numbers if kinds[n % len(kinds)].forwarded)


def found_in(folders: Mapping[str, Sequence[Stored]]) -> Found:
    """(folder, octets, flags) of all that is there."""
    return Counter(
        (name, stored.raw, stored.flags)
        for name, messages in folders.items()
        for stored in messages
    )


def numbers_in(messages: Iterable[Stored]) -> list[int]:
    """The numbers of messages, in order."""
    return sorted(_number(stored.raw) for stored in messages)


def forwarded(contents: Iterable[bytes], kinds: Sequence[Kind] = KINDS) -> Counter[int]:
    """The numbers of the messages inside forwards, which must be unchanged."""
    numbers: Counter[int] = Counter()
    for content in contents:
        number = _number(content)
        assert letter(number, kinds) in content
        numbers[number] += 1
    return numbers


def _number(octets: bytes) -> int:
    found = _NUMBER.search(octets)
    assert found is not None
    return int(found[1])
