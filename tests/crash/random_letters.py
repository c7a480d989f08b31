"""The letters of the random kills, the rules, and what must become of each letter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.servers.reading import Stored

BOOKS = "books@kept.test"
ANSWER = "I am away."

# (mailbox, number, flags); the number is -1 where the octets are not those of a letter.
Held = Counter[tuple[str, int, frozenset[str]]]

_MARK = re.compile(rb"^X-Letter: (\d+)\r$", re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    """A kind of letter, by its subject: where it must be in the end (None: nowhere),
    with a copy where, with which flags, and what must have been sent."""

    subject: str
    place: str | None = "INBOX"
    copied: str | None = None
    flags: frozenset[str] = frozenset()
    forwarded: bool = False
    answered: bool = False


SEEN, FLAGGED = frozenset({"\\Seen"}), frozenset({"\\Flagged"})

KINDS = (
    Kind("keep"),
    Kind("flag", flags=FLAGGED),
    Kind("file", "Filed"),
    Kind("copy", copied="Copies"),
    Kind("forward", forwarded=True),
    Kind("cheap", "Trash"),
    Kind("answer", answered=True),
    Kind("settle", "Done", "Copies", SEEN, forwarded=True),
    Kind("burn", None, forwarded=True),
)

RULES = f"""
[[rule]]
name = "flag"
when.subject = "flag"
then = [ {{ flag = true }} ]

[[rule]]
name = "file"
when.subject = "file"
then = [ {{ move = "Filed" }} ]

[[rule]]
name = "copy"
when.subject = "copy"
then = [ {{ copy = "Copies" }} ]

[[rule]]
name = "forward"
when.subject = "forward"
then = [ {{ forward = "{BOOKS}" }} ]

[[rule]]
name = "delete"
when.subject = "cheap"
then = [ {{ delete = true }} ]

[[rule]]
name = "answer"
when.subject = "answer"
then = [ {{ reply = "{ANSWER}" }} ]

[[rule]]
name = "settle"
when.subject = "settle"
then = [
  {{ forward = "{BOOKS}" }},
  {{ copy = "Copies" }},
  {{ mark = "read" }},
  {{ move = "Done" }},
]

[[rule]]
name = "burn"
when.subject = "burn"
then = [ {{ forward = "{BOOKS}" }}, {{ delete = "forever" }} ]
"""


@dataclass(frozen=True)
class Letter:
    """The letter of this number to one of the owner's accounts; kinds go round. No two
    have the same sender, so that an answer tells which letter it answers."""

    number: int
    account: str
    owner: str

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return KINDS[self.number % len(KINDS)]

    @property
    def sender(self) -> str:
        """Who wrote it."""
        return f"ann{self.number}@friends.example"

    @property
    def raw(self) -> bytes:
        """Its octets; some letters are longer than others."""
        line = f"Line of letter {self.number}.\r\n"
        return (
            f"Return-Path: <{self.sender}>\r\nFrom: {self.sender}\r\n"
            f"To: {self.owner}\r\nSubject: {self.kind.subject} {self.number}\r\n"
            f"Message-ID: {message_id(self.number)}\r\n"
            f"X-Letter: {self.number}\r\n\r\n{line * (1 + self.number * 7 % 60)}"
        ).encode()

    def entries(self) -> Held:
        """What its account must hold of it in the end."""
        return Counter(
            (place, self.number, self.kind.flags)
            for place in (self.kind.place, self.kind.copied)
            if place is not None
        )


def message_id(number: int) -> str:
    """The Message-ID of the letter of this number."""
    return f"<{number}@letters.example>"


def expected(letters: Iterable[Letter]) -> Held:
    """All that must be held of these."""
    held: Held = Counter()
    for letter in letters:
        held.update(letter.entries())
    return held


def observed(
    mailboxes: Mapping[str, Sequence[Stored]], letters: Mapping[int, Letter]
) -> Held:
    """All that is held; what is no whole letter of these has the number -1."""
    return Counter(
        (name, number_of(stored.raw, letters), stored.flags)
        for name, messages in mailboxes.items()
        for stored in messages
    )


def number_of(raw: bytes, letters: Mapping[int, Letter]) -> int:
    """The number of the letter that these octets are, or have in them unchanged."""
    found = _MARK.search(raw)
    number = int(found[1]) if found else -1
    return number if number in letters and letters[number].raw in raw else -1
