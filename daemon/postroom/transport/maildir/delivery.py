"""Finished drafts become messages: linked into `new/`, never over another file.

A message that is there already, under whatever name another program has given it, is
not put there twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from postroom.errors import PermanentError
from postroom.transport.maildir.drafts import Unfinished
from postroom.transport.maildir.folder import NEW, Entry, Folder, equal
from postroom.transport.maildir.names import base_of

Finished = tuple[str, Unfinished]


class NameTaken(PermanentError):
    """Other messages are there under the base names `bases`; they stay as they are, and
    those that were to get these names are not put anywhere."""

    def __init__(self, bases: Sequence[str]) -> None:
        self.bases = tuple(bases)
        shown = ", ".join(self.bases[:3]) + (", ..." if len(self.bases) > 3 else "")
        super().__init__(f"another message is there under this name: {shown}")


def deliver(folder: Folder, drafts: Sequence[Finished]) -> dict[str, Entry]:
    """Have each of these in the folder, under its base name and its sizes, and on disk;
    where they are, by their base names, but for those that another has put there now.

    Raises `NameTaken` when all others are there.
    """
    stored = folder.find(frozenset(base for base, _ in drafts), base_of)
    before = set(stored)
    taken = [base for base, draft in drafts if not _put(folder, base, draft, stored)]
    try:
        folder.sync([NEW, *(entry.place for entry in stored.values())])
    except OSError:
        _take_back(folder, [e for base, e in stored.items() if base not in before])
        raise
    if taken:
        raise NameTaken(taken)
    return stored


def _take_back(folder: Folder, entries: Sequence[Entry]) -> None:
    """Remove what was just put there: after a sync that failed, the next one may say
    that all is well though it is not (fsync(2), EIO). It is written anew instead."""
    for entry in entries:
        with suppress(OSError):  # what can't be removed is found, and compared, later
            folder.remove(entry)


def _put(
    folder: Folder, base: str, draft: Unfinished, stored: dict[str, Entry]
) -> bool:
    """True if the message is there now."""

    def compare(_: str, entry: Entry) -> bool:
        with draft.reading() as one, folder.reading(entry) as other:
            return equal(one, other)

    if base in stored:
        there = folder.with_each([base], base_of, compare, stored)
        if there:
            return there[base]
    entry = Entry(NEW, base + draft.suffix)
    try:
        draft.link(folder.new, entry.name)
    except FileExistsError:
        return compare(base, entry)
    stored[base] = entry
    return True
