"""The folders of a Maildir: found, listed, and made whole before they are used.

All of them lie in the root, under names with a dot in front (Maildir++). The empty file
`maildirfolder` is written last: a folder that has it is on disk with all its parts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from postroom.errors import AbsentMailbox
from postroom.mail.names import INBOX, canonical
from postroom.transport.maildir.folder import CUR, NEW, Folder, opened
from postroom.transport.maildir.names import folder_of_user, folder_on_disk
from postroom.transport.maildir.troubles import blaming

TMP = "tmp"
_PARTS = (CUR, NEW, TMP)
_MARK = "maildirfolder"
_MARKING = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Tree:
    """The folders below an open root, made with the modes that `umask` leaves."""

    root: int
    umask: int

    def names(self) -> list[str]:
        """What users call the folders there are; INBOX first."""
        named = map(folder_of_user, self._folders_on_disk())
        return [INBOX, *sorted({name for name in named if name is not None})]

    def find(self, name: str) -> str | None:
        """The name on disk of the folder a user calls so; None if there is none."""
        on_disk = folder_on_disk(name)
        if not on_disk or self._holds(on_disk, CUR):
            return on_disk
        if name.isascii():
            return None
        # Other programs may have spelled it in another way.
        path = canonical(name)
        twins = (each for each in os.listdir(self.root) if folder_of_user(each) == path)
        return next(twins, None)

    @contextmanager
    def entered(self, name: str, *, making: bool) -> Iterator[Folder]:
        """The folder a user calls so, until the end of the block; where it is absent,
        it is made, or `AbsentMailbox` is raised."""
        with ExitStack() as stack:
            with blaming(name):
                on_disk = self.find(name)
                # A kill may have left it half made.
                if making or (on_disk and not self._holds(on_disk, NEW)):
                    on_disk = self._provide(name)
                if on_disk is None:
                    raise AbsentMailbox(f"there is no folder {name}")
                folder = stack.enter_context(self._opened(on_disk))
            yield folder

    def make_root(self) -> None:
        """Make what is missing of the Maildir itself."""
        for part in _PARTS:
            self._make(part, self.root)
        os.fsync(self.root)

    @contextmanager
    def _opened(self, on_disk: str) -> Iterator[Folder]:
        with (
            opened(on_disk or ".", self.root) as home,
            opened(NEW, home) as new,
            opened(CUR, home) as cur,
        ):
            yield Folder(new, cur)

    def _provide(self, name: str) -> str:
        found = self.find(name)
        on_disk = folder_on_disk(name) if found is None else found
        if on_disk and not self._is_whole(on_disk):
            self._make_whole(on_disk)
        return on_disk

    def _make_whole(self, on_disk: str) -> None:
        self._make(on_disk, self.root)
        with opened(on_disk, self.root) as home:
            for part in _PARTS:
                self._make(part, home)
            os.fsync(home)
            os.fsync(self.root)
            mark = os.open(_MARK, _MARKING, 0o600, dir_fd=home)
            os.fchmod(mark, 0o666 & ~self.umask)
            os.close(mark)
            os.fsync(home)

    def _is_whole(self, on_disk: str) -> bool:
        with suppress(FileNotFoundError), opened(on_disk, self.root) as home:
            return stat.S_ISREG(os.lstat(_MARK, dir_fd=home).st_mode)
        return False

    def _make(self, name: str, parent: int) -> None:
        make_folder(name, self.umask, parent)

    def _folders_on_disk(self) -> Iterator[str]:
        with os.scandir(self.root) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and self._holds(entry.name, CUR):
                    yield entry.name

    def _holds(self, *parts: str) -> bool:
        try:
            os.stat("/".join(parts), dir_fd=self.root, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


def make_folder(name: str, umask: int, parent: int | None = None) -> None:
    """Make a folder, unless it is there, with the mode that `umask` leaves."""
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return
    with opened(name, parent) as made:
        # What belongs to a group hands that on to all that is made in it.
        inherited = os.fstat(made).st_mode & stat.S_ISGID
        os.fchmod(made, 0o777 & ~umask | inherited)


def make_path(path: Path, umask: int) -> None:
    """Make a folder and those above it that are missing, and have them on disk."""
    if not path.exists():
        make_path(path.parent, umask)
        make_folder(str(path), umask)
        with opened(str(path.parent)) as parent:
            os.fsync(parent)
