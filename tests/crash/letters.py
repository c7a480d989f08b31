"""Letters of one kind for each thing that can be done to mail, the rules that do it,
and what must become of each letter in the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from tests.crash.verdict import Wanted

BOOKS = "books@kept.test"
ANSWER = "I am away."
REFUSED = "nobody@refused.test"

_NUMBER = re.compile(rb"^X-Letter: ([0-9]+)\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    """What is done to a letter: its `then` in a rule; where it is in the end (None:
    nowhere), where a copy is, its flags, and what goes out. `is_large`: of so many
    octets that no server sends it in one piece. `is_refused`: one recipient refuses
    it."""

    name: str
    then: str
    place: str | None = "INBOX"
    copied: str | None = None
    flags: frozenset[str] = frozenset()
    forwarded: bool = False
    answered: bool = False
    saved: bool = False
    is_large: bool = False
    is_refused: bool = False


KINDS = {
    each.name: each
    for each in (
        Kind("move", '{ move = "Filed" }', "Filed"),
        Kind("copy", '{ copy = "Copies" }', copied="Copies"),
        Kind("flag", "{ flag = true }", flags=frozenset({"\\Flagged"})),
        Kind("delete", "{ delete = true }", "Trash"),
        Kind("burn", '{ delete = "forever" }', None),
        Kind("archive", '{ archive = "Old" }', "Archive/Old"),
        Kind("forward", f'{{ forward = "{BOOKS}" }}', forwarded=True, is_large=True),
        Kind(
            "part",
            f'{{ forward = ["{BOOKS}", "{REFUSED}"] }}',
            forwarded=True,
            is_refused=True,
        ),
        Kind("reply", f'{{ reply = "{ANSWER}" }}', answered=True),
        Kind("save", '{ save = { message = true, to = "{saved}" } }', saved=True),
        Kind(
            "settle",
            f'{{ mark = "read" }}, {{ copy = "Copies" }}, {{ forward = "{BOOKS}" }}, '
            '{ move = "Filed" }',
            "Filed",
            "Copies",
            frozenset({"\\Seen"}),
            forwarded=True,
        ),
        Kind(
            "hand on",
            f'{{ forward = "{BOOKS}" }}, {{ delete = "forever" }}',
            None,
            forwarded=True,
        ),
    )
}


def rules(saved: str) -> str:
    """A rule for each kind; what is saved goes to this folder."""
    return "\n".join(
        f'[[rule]]\nname = "{kind.name}"\n'
        f'when.header = {{ X-Kind = {{ is = "{kind.name}" }} }}\n'
        f"then = [ {kind.then.replace('{saved}', saved)} ]\n"
        for kind in KINDS.values()
    )


@cache
def letter(kind: Kind, number: int) -> bytes:
    """The octets of a letter; no two have the same sender or number."""
    body = "x" * 70 + "\r\n"
    return (
        f"Return-Path: <ann{number}@friends.example>\r\n"
        f"From: ann{number}@friends.example\r\nTo: me@dovecot.test\r\n"
        f"Subject: {kind.name} {number}\r\nMessage-ID: <{number}@tests>\r\n"
        f"X-Kind: {kind.name}\r\nX-Letter: {number}\r\n\r\n"
        f"{body * 4000 if kind.is_large else body}"
    ).encode()


def number_in(octets: bytes) -> int:
    """The number of the letter that these octets hold or quote; -1 if of none."""
    found = _NUMBER.search(octets)
    return int(found[1]) if found else -1


def wanted(kinds: Collection[Kind]) -> Wanted:
    """What must be there of these letters, numbered in their order, from 0 on."""
    numbered = list(enumerate(kinds))
    return Wanted(
        places=Counter(_places(numbered)),
        saved=Counter(n for n, kind in numbered if kind.saved),
        forwards=frozenset(n for n, kind in numbered if kind.forwarded),
        replies=frozenset(n for n, kind in numbered if kind.answered),
    )


def _places(
    numbered: Iterable[tuple[int, Kind]],
) -> Iterable[tuple[str, int, frozenset[str]]]:
    for number, kind in numbered:
        if kind.place is not None:
            yield kind.place, number, kind.flags
        if kind.copied is not None:
            yield kind.copied, number, kind.flags
