"""A Maildir: messages are put into it, durably, and its folders are entered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from postroom.errors import MaildirUnavailable
from postroom.mail.names import INBOX
from postroom.transport.maildir.delivery import Finished, deliver
from postroom.transport.maildir.drafts import Unfinished, remove_left_behind
from postroom.transport.maildir.folder import CUR, NEW, Entry, Folder, opened
from postroom.transport.maildir.mark import write_mark
from postroom.transport.maildir.names import require_base
from postroom.transport.maildir.tree import TMP, Tree, make_path
from postroom.transport.maildir.troubles import telling

# A disk that is asked by several at once writes what they want in one go; more than
# these gain nothing where it answers at once.
_SYNCING = 4
_MOST_OPEN = 128


@dataclass(frozen=True)
class Letter:
    """A message to be put into a Maildir: its base name (`names.base`), its octets with
    CRLF, and when it arrived."""

    base: str
    octets: bytes = field(repr=False)
    received: datetime


class Maildir:
    """The Maildir at `root`, which may be a symbolic link to a folder.

    What is made has the modes that `umask` leaves, whatever the process has for one.
    Every method raises `MaildirUnavailable` when the disk is full, fails, or may not be
    used, and `PermanentError` for a name that no folder or file can have.
    """

    def __init__(self, root: Path, umask: int = 0o077) -> None:
        self._root = root
        self._umask = umask

    def prepare(self) -> None:
        """Make what is missing of it, and remove the drafts that a kill left behind."""
        with telling(self._root):
            make_path(self._root, self._umask)
        with self._tree() as tree:
            tree.make_root()
            with opened(TMP, tree.root) as tmp:
                remove_left_behind(tmp)

    def mark(self, uidvalidity: int) -> None:
        """Have it tell whose UIDs its messages have."""
        write_mark(self._root, uidvalidity)

    def folders(self) -> list[str]:
        """What users call its folders, INBOX first; `/` stands between the levels."""
        with self._tree() as tree:
            return tree.names()

    def has(self, folder: str) -> bool:
        """True if there is a folder that a user calls so."""
        with self._tree() as tree:
            return tree.find(folder) is not None

    @contextmanager
    def entered(self, folder: str, *, making: bool = False) -> Iterator[Folder]:
        """A folder, open until the end of the block; where it is absent, it is made, or
        `AbsentMailbox` is raised."""
        with self._tree() as tree, tree.entered(folder, making=making) as place:
            yield place

    def put(self, letters: Sequence[Letter], folder: str = INBOX) -> dict[str, Entry]:
        """Put these into the `new/` of a folder, which is made if it is absent. When it
        returns, all are on disk; one that is there already is there once. Where they
        are, by their base names, as far as that is known.

        Raises `NameTaken` where another message has the name: the others are there.
        """
        if not letters:
            return {}
        with self.entered(folder, making=True) as place, ExitStack() as stack:
            tmp = stack.enter_context(self._tmp())
            drafts: list[Finished] = []
            for few in _slices(letters):
                written = [self._write(letter, tmp, stack) for letter in few]
                _sync([draft for _, draft in written])
                drafts += written
            return deliver(place, drafts)

    def sync(self, folder: str = INBOX) -> None:
        """Have on disk what an earlier run has put into a folder; it may have been
        killed before all names were there."""
        with self.entered(folder) as place:
            place.sync((NEW, CUR))

    def draft(self) -> Draft:
        """A message that is written piece by piece, and is nowhere until delivered."""
        with ExitStack() as stack:
            draft = Unfinished(stack.enter_context(self._tmp()))
            stack.callback(draft.discard)
            return Draft(self, draft, stack.pop_all())

    def finish(self, draft: Finished, received: datetime, folder: str) -> None:
        """Put a message that was written in pieces into a folder, as `put` does."""
        with self.entered(folder, making=True) as place:
            draft[1].seal(received, self._umask)
            draft[1].sync()
            deliver(place, [draft])

    def _write(self, letter: Letter, tmp: int, stack: ExitStack) -> Finished:
        """A draft of it that is not on disk yet; `stack` discards it."""
        base = require_base(letter.base)
        draft = Unfinished(tmp)
        stack.callback(draft.discard)
        draft.write(letter.octets)
        draft.seal(letter.received, self._umask)
        return base, draft

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raise `MaildirUnavailable` for what goes wrong with it."""
        with telling(self._root):
            yield

    @contextmanager
    def _tree(self) -> Iterator[Tree]:
        with telling(self._root), opened(str(self._root)) as root:
            yield Tree(root, self._umask)

    @contextmanager
    def _tmp(self) -> Iterator[int]:
        with self._tree() as tree, opened(TMP, tree.root) as tmp:
            yield tmp


def _slices(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    """So few that all of them can be open at once."""
    for start in range(0, len(letters), _MOST_OPEN):
        yield letters[start : start + _MOST_OPEN]


def _sync(drafts: Sequence[Unfinished]) -> None:
    """Have all of these on disk: as many threads as it takes, each with its share."""
    shares = [drafts[first::_SYNCING] for first in range(min(_SYNCING, len(drafts)))]
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(_sync_share, shares))


def _sync_share(drafts: Sequence[Unfinished]) -> None:
    for draft in drafts:
        draft.sync()


class Draft:
    """One message that is written piece by piece; `deliver` or `discard` ends it."""

    def __init__(self, maildir: Maildir, draft: Unfinished, held: ExitStack) -> None:
        self._maildir = maildir
        self._draft = draft
        self._held = held

    def write(self, octets: bytes) -> None:
        """Add these octets; lines end with CRLF, which may be cut between two pieces.

        Where that fails, nothing is left of the draft.
        """
        try:
            with self._maildir.telling():
                self._draft.write(octets)
        except MaildirUnavailable:
            self.discard()
            raise

    def deliver(self, base: str, received: datetime, folder: str = INBOX) -> None:
        """Put it into a folder, as `Maildir.put` does; where that fails, nothing of it
        is left."""
        with self._held:
            self._maildir.finish((require_base(base), self._draft), received, folder)

    def discard(self) -> None:
        """Leave nothing of it; of what was delivered, nothing is taken back."""
        self._held.close()
