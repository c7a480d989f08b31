"""What SELECT told of a mailbox, and whether something may have arrived since."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from postroom.errors import PermanentError, TemporaryError
from postroom.rules.effects import SetFlags
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.framing import Frame
from postroom.transport.imap.responses import count_of
from postroom.transport.imap.tokens import unique_number


@dataclass(frozen=True)
class Selection:
    """A selected mailbox; `permanent` is None where every flag can be kept."""

    uidvalidity: int
    permanent: frozenset[str] | None

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
    codes = {code.name: code.arguments for code in exchange.codes}
    if "UIDVALIDITY" not in codes:
        raise PermanentError("the server keeps no UIDs for this mailbox")
    if not any(count_of(frame) for frame in exchange.frames):
        raise TemporaryError("the server did not say how many messages there are")
    flags = codes.get("PERMANENTFLAGS")
    return Selection(
        unique_number(codes["UIDVALIDITY"]), None if flags is None else _flags(flags)
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
        counted = count_of(frame)
        if counted is None:
            return
        kind, count = counted
        if kind == "EXPUNGE":
            self.exists = max(0, self.exists - 1)
            return
        # Some repeat the same number again and again: only more is news.
        if count > self.exists:
            self.unseen = True
            self._wake()
        self.exists = count

    def missed(self) -> None:
        """For a while nothing was heard: something may have arrived."""
        self.unseen = True

    def looked(self) -> None:
        """What is there now is being looked at; what comes from here on is news."""
        self.unseen = False


def _flags(arguments: bytes) -> frozenset[str]:
    words: Iterable[bytes] = arguments.strip(b"()").split()
    return frozenset(word.decode("utf-8", "replace").lower() for word in words)
