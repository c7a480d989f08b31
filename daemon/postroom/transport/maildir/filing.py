"""Mark, copy, move and remove files of messages, each by one step that is whole.

A folder that gets files is on disk before the one that loses them, once a batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from postroom.errors import PermanentError
from postroom.rules.effects import SetFlags
from postroom.transport.maildir.flags import Marking
from postroom.transport.maildir.folder import CUR, Entry, Folder, equal
from postroom.transport.maildir.names import letters_of, uid_of, with_letters

Result = TypeVar("Result")

# A file that stays as it is, as another of its name is in the way.
_BLOCKED = None


class Filing:
    """What can be done to the messages of one open folder, by UID.

    `known` tells where their files were at last, and is brought up to date. What is
    gone is left out of results.
    """

    def __init__(
        self, folder: Folder, uidvalidity: int, known: dict[int, Entry]
    ) -> None:
        self._folder = folder
        self._uidvalidity = uidvalidity
        self._known = known

    def uids_after(self, uid: int) -> list[int]:
        """All above this one, ascending."""
        entries = ((self._uid(entry.name), entry) for entry in self._folder.entries())
        found = {
            each: entry for each, entry in entries if each is not None and each > uid
        }
        self._known.clear()
        self._known.update(found)
        return sorted(found)

    def newest(self) -> int:
        """The highest there is; 0 if there is none."""
        return max(self.uids_after(0), default=0)

    def read(
        self,
        uids: Collection[int],
        reading: Callable[[Folder, int, Entry], Result | None],
    ) -> dict[int, Result]:
        """What `reading` makes of the files of these, ascending, unless it is None."""

        def act(uid: int, entry: Entry) -> Result | None:
            return reading(self._folder, uid, entry)

        found = self._each(sorted(set(uids)), act)
        read = ((uid, found[uid]) for uid in sorted(found))
        return {uid: result for uid, result in read if result is not None}

    def present(self, uids: Collection[int]) -> frozenset[int]:
        """Those of these that are there."""
        return frozenset(self._each(uids, lambda _, entry: self._folder.status(entry)))

    def mark(self, uids: Collection[int], change: SetFlags) -> frozenset[int]:
        """Change the flags of these; those that were there. What has got a flag is in
        `cur/`. Raises `PermanentError` for a label that no Maildir keeps."""
        marking = Marking(change)

        def act(uid: int, entry: Entry) -> frozenset[str]:
            before = letters_of(entry.name)
            after = marking.apply(before)
            if after == before:
                self._folder.status(entry)
                return frozenset()
            marked = Entry(CUR, with_letters(entry.name, after))
            self._rename(entry, self._folder, marked)
            self._known[uid] = marked
            return frozenset({CUR, entry.place})

        changed = self._each(uids, act)
        self._folder.sync(frozenset[str]().union(*changed.values()))
        return frozenset(changed)

    def copy(self, uids: Collection[int], target: Folder) -> frozenset[int]:
        """Have these in another folder as well, under the same names; those that were
        here. Raises `PermanentError` where others of that name are there."""

        def act(_: int, entry: Entry) -> str | None:
            try:
                self._link(entry, target)
            except FileExistsError:
                return entry.place if self._is_in(target, entry) else _BLOCKED
            return entry.place

        copied = _unblocked(self._each(uids, act))
        target.sync(copied.values())
        return frozenset(copied)

    def move(self, uids: Collection[int], target: Folder) -> frozenset[int]:
        """Have these in another folder only, under the same names; those that were
        here. Raises `PermanentError` where others of that name are there."""

        if target.is_same(self._folder):
            return self.present(uids)

        def act(_: int, entry: Entry) -> str | None:
            if not target.has(entry):
                self._rename(entry, target, entry)
            elif self._is_in(target, entry):
                self._folder.remove(entry)
            else:
                return _BLOCKED
            return entry.place

        moved = _unblocked(self._each(uids, act))
        target.sync(moved.values())
        self._lose(moved)
        return frozenset(moved)

    def resume(
        self, uids: Collection[int], target: Folder, *, move: bool
    ) -> frozenset[int]:
        """Those of these that are in another folder by now; with `move` they are no
        longer here."""
        if target.is_same(self._folder):
            return frozenset()
        there: dict[int, Entry] = {}
        target.with_each(uids, self._uid, lambda _, entry: target.status(entry), there)
        target.sync(entry.place for entry in there.values())
        if move:
            self._remove_all(there, target)
        return frozenset(there)

    def expunge(self, uids: Collection[int]) -> frozenset[int]:
        """Remove these for good; those that were there."""
        removed = self._each(uids, self._remove)
        self._lose(removed)
        return frozenset(removed)

    # -- insides -----------------------------------------------------------------------

    def _uid(self, file: str) -> int | None:
        return uid_of(file, self._uidvalidity)

    def _each(
        self, uids: Collection[int], act: Callable[[int, Entry], Result]
    ) -> dict[int, Result]:
        return self._folder.with_each(uids, self._uid, act, self._known)

    def _is_in(self, target: Folder, entry: Entry, there: Entry | None = None) -> bool:
        with (
            self._folder.reading(entry) as one,
            target.reading(there or entry) as other,
        ):
            return equal(one, other)

    def _link(self, entry: Entry, target: Folder) -> None:
        os.link(
            entry.name,
            entry.name,
            src_dir_fd=self._folder.place(entry),
            dst_dir_fd=target.place(entry),
            follow_symlinks=False,
        )

    def _rename(self, entry: Entry, target: Folder, new: Entry) -> None:
        os.rename(
            entry.name,
            new.name,
            src_dir_fd=self._folder.place(entry),
            dst_dir_fd=target.place(new),
        )

    def _remove(self, _: int, entry: Entry) -> str:
        self._folder.remove(entry)
        return entry.place

    def _remove_all(self, there: Mapping[int, Entry], target: Folder) -> None:
        """Remove those of these that are the same here as in the other folder."""

        def act(uid: int, entry: Entry) -> str | None:
            if not self._is_in(target, entry, there[uid]):
                return _BLOCKED
            return self._remove(uid, entry)

        self._lose(_unblocked(self._each(there, act)))

    def _lose(self, lost: Mapping[int, str]) -> None:
        self._folder.sync(lost.values())
        for uid in lost:
            self._known.pop(uid, None)


def _unblocked(places: Mapping[int, str | None]) -> dict[int, str]:
    """Those that nothing blocks; the others have that coming when they are tried again,
    without these."""
    free = {uid: place for uid, place in places.items() if place is not _BLOCKED}
    if places and not free:
        raise PermanentError(
            "another message is in the way, under the same name: UID "
            + ", ".join(map(str, sorted(places)))
        )
    return free
