"""An open folder of a Maildir, and the files of messages in it.

Files are reached from the folder's own descriptors and never through a symbolic link:
nothing done here leads out of it. Other programs rename files at any time, from `new/`
to `cur/` or for a flag; whoever acts on a file looks for it again until it is found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

NEW, CUR = "new", "cur"
_FOLLOWING = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FOLDER = _FOLLOWING | os.O_NOFOLLOW
# A pipe would be waited for.
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PIECE = 1024 * 1024

# A look at a folder may miss a name that is changed meanwhile (POSIX, readdir). What so
# many looks in a row at a folder that stood still did not find is not there.
_STILL_LOOKS = 3
_MOST_LOOKS = 200

Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a message: the subfolder it is in, `new` or `cur`, and its name."""

    place: str
    name: str


@dataclass(frozen=True)
class Folder:
    """An open folder: the descriptors of its `new` and `cur`."""

    new: int
    cur: int

    def place(self, entry: Entry) -> int:
        """The descriptor of the subfolder that this file is in."""
        return self.new if entry.place == NEW else self.cur

    def entries(self) -> Iterator[Entry]:
        """Every file there is."""
        return (Entry(place, file) for place, file in self._files())

    def find(
        self, wanted: Collection[Key], key_of: Callable[[str], Key | None]
    ) -> dict[Key, Entry]:
        """The files of these, in one look: `key_of` tells whose a name is."""
        found: dict[Key, Entry] = {}
        for place, file in self._files():
            key = key_of(file)
            if key is not None and key in wanted:
                found[key] = Entry(place, file)
        return found

    def with_each(
        self,
        wanted: Collection[Key],
        key_of: Callable[[str], Key | None],
        act: Callable[[Key, Entry], Result],
        known: dict[Key, Entry],
    ) -> dict[Key, Result]:
        """What `act` gives for the file of each of these; what has none is left out.

        `known` tells where the files were at last, and is brought up to date.
        """
        done: dict[Key, Result] = {}
        still = 0
        for look in range(1 + _MOST_LOOKS):
            left = [key for key in wanted if key not in done]
            if not left or still == _STILL_LOOKS:
                break
            if look:
                before = self._stamps()
                found = self.find(frozenset(left), key_of)
                stood = not found and self._stamps() == before
                still = still + 1 if stood else 0
                for key in left:
                    known.pop(key, None)
                known.update(found)
            for key in left:
                if entry := known.get(key):
                    with suppress(FileNotFoundError):
                        done[key] = act(key, entry)
        return done

    def _files(self) -> Iterator[tuple[str, str]]:
        # In this order, as files go from new to cur and not back.
        for place, number in ((NEW, self.new), (CUR, self.cur)):
            for file in os.listdir(number):
                yield place, file

    def _stamps(self) -> list[int]:
        """What changes when a name does."""
        return [os.fstat(place).st_mtime_ns for place in (self.new, self.cur)]

    def is_same(self, other: Folder) -> bool:
        """True if both are one folder, whatever they were called."""
        return os.path.samestat(os.fstat(self.new), os.fstat(other.new))

    def reading(self, entry: Entry) -> AbstractContextManager[int]:
        """A descriptor to read this file by, until the end of the block."""
        return reading(entry.name, self.place(entry))

    def status(self, entry: Entry) -> os.stat_result:
        """What the system tells of this file; raises `FileNotFoundError`."""
        place = self.place(entry)
        return os.stat(entry.name, dir_fd=place, follow_symlinks=False)

    def has(self, entry: Entry) -> bool:
        """True if there is a file of this very name."""
        try:
            self.status(entry)
        except FileNotFoundError:
            return False
        return True

    def remove(self, entry: Entry) -> None:
        """Remove this file."""
        os.unlink(entry.name, dir_fd=self.place(entry))

    def sync(self, places: Iterable[str]) -> None:
        """Have the names in these subfolders on disk, `cur` first: what has moved
        between them has gone there."""
        for place in sorted(set(places)):
            os.fsync(self.new if place == NEW else self.cur)


@contextmanager
def opened(name: str, parent: int | None = None) -> Iterator[int]:
    """The descriptor of a folder until the end of the block; in the open folder
    `parent` no symbolic link is followed."""
    flags = _FOLLOWING if parent is None else _FOLDER
    number = os.open(name, flags, dir_fd=parent)
    try:
        yield number
    finally:
        os.close(number)


@contextmanager
def reading(name: str, folder: int) -> Iterator[int]:
    """A descriptor to read a file of an open folder by, until the end of the block."""
    number = os.open(name, _READING, dir_fd=folder)
    try:
        yield number
    finally:
        os.close(number)


def equal(one: int, other: int) -> bool:
    """True if two open files hold the same octets."""
    here, there = os.fstat(one), os.fstat(other)
    if os.path.samestat(here, there):
        return True
    if here.st_size != there.st_size:
        return False
    while piece := os.read(one, _PIECE):
        if piece != os.read(other, _PIECE):
            return False
    return True
