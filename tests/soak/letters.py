"""The letters of the soak, its rules, and what the rules must make of the letters.

The watched mailboxes stand in a ring: some rules move or copy from each to the next.
What postroom itself placed is no arrival; if it were taken for one, the letter would
be found one place further.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.servers.reading import Stored

RING = ("INBOX", "Work", "Team", "Home", "Later")
BOOKS = "books@kept.test"

_NUMBER = re.compile(rb"^X-Soak: (\d+)\r$", re.MULTILINE)

Held = Counter[tuple[str, int, frozenset[str]]]


@dataclass(frozen=True)
class Kind:
    """A kind of letter: what the rules do with it. `NEXT` is the next in the ring."""

    subject: str
    moved: str | None = None
    copied: str | None = None
    flags: frozenset[str] = frozenset()
    forwarded: bool = False


NEXT = "the next"

KINDS = (
    Kind("plain keep"),
    Kind("flag this", flags=frozenset({"\\Flagged"})),
    Kind("file this", moved="Sorted/Filed"),
    Kind("copy this", copied="Copies"),
    Kind("pass on this", forwarded=True),
    Kind("hand on this", moved=NEXT),
    Kind("share this", copied=NEXT),
    Kind("settle this", "Sorted/Done", None, frozenset({"\\Seen"}), True),
)

_RULES = f"""
[[rule]]
name = "flag"
when.subject = "flag this"
then = [ {{ flag = true }} ]

[[rule]]
name = "file"
when.subject = "file this"
then = [ {{ move = "Sorted/Filed" }} ]

[[rule]]
name = "copy"
when.subject = "copy this"
then = [ {{ copy_to = "Copies" }} ]

[[rule]]
name = "pass on"
when.subject = "pass on this"
then = [ {{ forward = "{BOOKS}" }} ]

[[rule]]
name = "settle"
when.subject = "settle this"
then = [ {{ forward = "{BOOKS}" }}, {{ mark = "read" }}, {{ move = "Sorted/Done" }} ]
"""

_RING_RULES = """
[[rule]]
name = "hand on from {here}"
mailboxes = ["{here}"]
when.subject = "hand on this"
then = [ {{ move = "{there}" }} ]

[[rule]]
name = "share from {here}"
mailboxes = ["{here}"]
when.subject = "share this"
then = [ {{ copy_to = "{there}" }} ]
"""


def following(mailbox: str) -> str:
    """The next mailbox in the ring."""
    return RING[(RING.index(mailbox) + 1) % len(RING)]


def rules() -> str:
    """The rule file."""
    around = (_RING_RULES.format(here=here, there=following(here)) for here in RING)
    return _RULES + "".join(around)


@dataclass(frozen=True)
class Letter:
    """The letter of this number; its account, mailbox and kind go round."""

    number: int
    accounts: int

    @property
    def account(self) -> int:
        """To which account it is delivered."""
        return self.number % self.accounts

    @property
    def mailbox(self) -> str:
        """To which mailbox it is delivered."""
        return RING[self.number // self.accounts % len(RING)]

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return KINDS[self.number // (self.accounts * len(RING)) % len(KINDS)]

    @property
    def raw(self) -> bytes:
        """Its octets."""
        return (
            f"From: ann@friends.example\r\nTo: me@dovecot.test\r\n"
            f"Subject: {self.kind.subject} {self.number}\r\n"
            f"Message-ID: <{self.number}@soak.example>\r\n"
            f"X-Soak: {self.number}\r\n\r\n"
        ).encode() + _body(self.number)

    def places(self) -> list[str]:
        """The mailboxes in which it must be in the end."""
        found = [self._target(self.kind.moved) or self.mailbox]
        copied = self._target(self.kind.copied)
        return [*found, copied] if copied else found

    def _target(self, name: str | None) -> str | None:
        return following(self.mailbox) if name == NEXT else name


def expected(letters: Iterable[Letter]) -> dict[int, Held]:
    """(mailbox, number, flags) of all that each account must hold in the end."""
    held: dict[int, Held] = {}
    for letter in letters:
        found = held.setdefault(letter.account, Counter())
        found.update(
            (name, letter.number, letter.kind.flags) for name in letter.places()
        )
    return held


def observed(mailboxes: Mapping[str, Sequence[Stored]]) -> Held:
    """(mailbox, number, flags) of all that an account holds."""
    return Counter(
        (name, number_in(stored.raw), stored.flags)
        for name, messages in mailboxes.items()
        for stored in messages
    )


def number_in(raw: bytes) -> int:
    """The number of the letter in these octets; -1 if it is none that is whole."""
    found = _NUMBER.search(raw)
    if found is None:
        return -1
    number = int(found[1])
    return number if b"\r\n\r\n" + _body(number) in raw else -1


def _body(number: int) -> bytes:
    """Longer and shorter ones."""
    return b"Line of letter %d.\r\n" % number * (1 + number * 7 % 60)
