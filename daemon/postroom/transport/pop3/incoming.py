"""Messages as they come: small ones whole, large ones into a draft on disk.

Invariant: no more of a message is held in memory than one piece.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field

from postroom.errors import Blameless, TemporaryError
from postroom.failpoints import Point, reach
from postroom.log import get_logger
from postroom.ports import Listed
from postroom.transport.maildir.maildir import Draft, Maildir
from postroom.transport.pop3.connection import Connection
from postroom.transport.pop3.retrieval import Piece

log = get_logger()

# Of a message's header so much is looked at before its body is wanted.
HEAD = 32 * 1024


def digest(octets: bytes) -> str:
    """The SHA-256 of these octets, in hex."""
    return hashlib.sha256(octets).hexdigest()


@dataclass(frozen=True)
class Whole:
    """A small message: all of its octets."""

    octets: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """How many octets came."""
        return len(self.octets)

    @property
    def head(self) -> bytes:
        """The beginning of it."""
        return self.octets[:HEAD]

    @property
    def hash(self) -> str:
        """The SHA-256 of its octets, in hex."""
        return digest(self.octets)


@dataclass(frozen=True)
class Spooled:
    """A message that is written to a draft and not delivered yet."""

    draft: Draft
    head: bytes = field(repr=False)
    hash: str
    size: int


class _Spooling:
    """A message while it is written to a draft."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._head = b""
        self._size = 0
        self._digest = hashlib.sha256()

    def write(self, octets: bytes) -> None:
        self._head += octets[: HEAD - len(self._head)]
        self._digest.update(octets)
        self._size += len(octets)
        self.draft.write(octets)

    def end(self) -> Spooled:
        digest = self._digest.hexdigest()
        return Spooled(self.draft, self._head, digest, self._size)


class Broken(Blameless):
    """The connection ended at this message, or the server has trouble with it; those
    that were asked for with it are not to blame."""

    def __init__(self, message: str, listed: Listed) -> None:
        self.listed = listed
        super().__init__(message)


_Messages = AsyncGenerator[tuple[Listed, Whole | Spooled], None]


@dataclass
class Incoming:
    """Retrieves messages; a large one goes to a draft in the Maildir as it comes.

    Where many are asked for at a time, answers are told apart by their order alone. The
    first message of a session is therefore asked for by itself: if it is as long as it
    was listed, one that is not is taken for no answer, and asked for again by itself.
    """

    account: str
    connection: Connection
    maildir: Maildir
    _is_exact: bool | None = None

    def messages(
        self, listing: Sequence[Listed], window: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[Listed, Whole | Spooled]]]:
        """These, but for those that the server refuses. Whoever takes a spooled one
        delivers it or discards it."""
        return aclosing(self._messages(listing, window))

    async def _messages(
        self, listing: Sequence[Listed], window: int | None
    ) -> _Messages:
        first, rest = listing[:1], listing[1:]
        if self._is_exact is None and first:
            async for listed, message in self._streamed(first, 1):
                self._is_exact = message.size == listed.size
                yield listed, message
        else:
            rest = listing
        odd: list[Listed] = []
        async for listed, message in self._streamed(rest, window):
            if self._is_exact and message.size != listed.size:
                odd.append(listed)
                await asyncio.to_thread(discard, [message])
            else:
                yield listed, message
        if odd:
            await self.connection.prove()
            async for listed, message in self._streamed(odd, 1):
                yield listed, message

    async def _streamed(
        self, listing: Sequence[Listed], window: int | None
    ) -> _Messages:
        left = deque(listing)
        spooling: _Spooling | None = None
        try:
            async with aclosing(self.connection.retrieve(listing, window)) as pieces:
                async for piece in pieces:
                    listed = left.popleft() if piece.is_last else left[0]
                    if piece.refusal:
                        self._tell_refused(piece)
                        continue
                    if spooling is None and piece.is_last:
                        yield listed, Whole(piece.octets)
                        continue
                    if spooling is None:
                        draft = await asyncio.to_thread(self.maildir.draft)
                        spooling = _Spooling(draft)
                    await asyncio.to_thread(spooling.write, piece.octets)
                    reach(Point.P2)
                    if piece.is_last:
                        done, spooling = spooling, None
                        yield listed, done.end()
        except Blameless:
            raise
        except TemporaryError as error:
            # Answers come in their order: this one was to come next.
            raise Broken(str(error), left[0]) if left else error from error
        finally:
            if spooling:
                await asyncio.to_thread(spooling.draft.discard)

    def _tell_refused(self, piece: Piece) -> None:
        log.warning("message_refused", account=self.account, detail=piece.refusal)


def discard(messages: Iterable[Whole | Spooled]) -> None:
    """Leave nothing of these on the disk."""
    for message in messages:
        if isinstance(message, Spooled):
            message.draft.discard()
