"""Flags as letters in the names of files; letters of others are kept as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from postroom.errors import PermanentError
from postroom.rules.effects import SetFlags

_LETTERS = {
    "\\Answered": "R",
    "\\Deleted": "T",
    "\\Draft": "D",
    "\\Flagged": "F",
    "\\Seen": "S",
    "$Forwarded": "P",
}
_FOLDED = {flag.lower(): letter for flag, letter in _LETTERS.items()}


def flags_of(letters: str) -> frozenset[str]:
    """The flags that these letters stand for, as far as they are known."""
    return frozenset(flag for flag, letter in _LETTERS.items() if letter in letters)


class Marking:
    """A change of flags, as a change of letters.

    Raises `PermanentError` for a keyword that has no letter.
    """

    def __init__(self, change: SetFlags) -> None:
        self._add = frozenset(_letters(change.add))
        self._remove = frozenset(_letters(change.remove))

    def apply(self, letters: str) -> str:
        """The letters after the change, in the order of ASCII."""
        return "".join(sorted((frozenset(letters) | self._add) - self._remove))


def _letters(flags: Collection[str]) -> Iterator[str]:
    for flag in sorted(flags):
        letter = _FOLDED.get(flag.lower())
        if letter is None:
            known = ", ".join(sorted(_LETTERS))
            raise PermanentError(f"a Maildir keeps no label {flag!r}, but {known}")
        yield letter
