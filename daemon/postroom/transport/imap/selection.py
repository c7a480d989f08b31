"""What SELECT told of a mailbox, and whether something may have arrived since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from postroom.errors import PermanentError, TemporaryError
from postroom.rules.effects import SetFlags
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.framing import Frame
from postroom.transport.imap.responses import (
    code_of,
    exists_of,
    is_closed,
    removed_by,
    status_codes,
)
from postroom.transport.imap.tokens import uid_or_none, uidvalidity


@dataclass(frozen=True)
class Selection:
    """A selected mailbox; `uidnext` is None where the server does not tell, and
    `permanent` where every flag can be kept."""

    uidvalidity: int
    uidnext: int | None = None
    permanent: frozenset[str] | None = None

    def having_seen(self, uids: Collection[int]) -> Selection:
        """The same with a UIDNEXT above these."""
        if self.uidnext is None or not uids:
            return self
        return replace(self, uidnext=max(self.uidnext, max(uids) + 1))

    def require(self, change: SetFlags) -> None:
        """Raise `PermanentError` if the server would not keep one of these flags."""
        if self.permanent is None:
            return
        for flag in change.add:
            known = flag.lower() in self.permanent
            if not known and (flag.startswith("\\") or "\\*" not in self.permanent):
                raise PermanentError(f"the server does not keep the flag {flag} here")


def selection(exchange: Exchange) -> Selection:
    """What SELECT told; raises `TemporaryError` and `PermanentError`."""
    frames = _since_closed(exchange.frames)
    told = (*status_codes(frames), code_of(exchange.text))
    codes = {code.name: code.arguments for code in told}  # the last one counts
    if "UIDVALIDITY" not in codes:
        raise PermanentError("the server keeps no UIDs for this mailbox")
    if not any(exists_of(frame) is not None for frame in frames):
        raise TemporaryError("the server did not say how many messages there are")
    flags = codes.get("PERMANENTFLAGS")
    return Selection(
        uidvalidity(codes["UIDVALIDITY"]),
        uid_or_none(codes.get("UIDNEXT")),
        None if flags is None else _flags(flags),
    )


class News:
    """Counts a mailbox's messages by what the server says of itself.

    `unseen` is True from a growth until `looked`; each growth calls `wake`.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.exists = 0
        self.unseen = False
        self._wake = wake

    def observe(self, frame: Frame) -> None:
        """Take note of an untagged response."""
        if is_closed(frame):  # till now it was about the mailbox before
            self.exists, self.unseen = 0, False
        elif (count := exists_of(frame)) is not None:
            self._count(count)
        else:
            self.exists = max(0, self.exists - removed_by(frame))

    def _count(self, exists: int) -> None:
        # Some repeat the same number again and again: only more is news.
        if exists > self.exists:
            self.unseen = True
            self._wake()
        self.exists = exists

    def missed(self) -> None:
        """For a while nothing was heard: something may have arrived."""
        self.unseen = True

    def looked(self) -> None:
        """What is there now is being looked at; what comes from here on is news."""
        self.unseen = False


def _since_closed(frames: Sequence[Frame]) -> Sequence[Frame]:
    """Those that are about the mailbox that was selected, not the one before."""
    closed = [index for index, frame in enumerate(frames) if is_closed(frame)]
    return frames[closed[-1] :] if closed else frames


def _flags(arguments: bytes) -> frozenset[str]:
    words: Iterable[bytes] = arguments.strip(b"()").split()
    return frozenset(word.decode("utf-8", "replace").lower() for word in words)
