"""What happens to arrivals: seen, decided, committed, done; in batches.

The order is the promise: nothing is done before the plans of a batch, all that is to be
sent, and the cursor are committed together. From there on a crash loses nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from postroom.errors import TemporaryError
from postroom.failpoints import Point, reach
from postroom.log import get_logger
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.ports import (
    Clock,
    Cursor,
    Decision,
    Mailbox,
    MessageState,
    Store,
)
from postroom.ports.stages import MOST_BEGINNINGS, NO_HEADER_ANEW, NOT_GIVEN
from postroom.service.batches import BatchSizes
from postroom.service.bookmark import NEVER, Bookmark
from postroom.service.commitment import Commitment, Place
from postroom.service.deliberation import Deliberation
from postroom.service.effector import Effector
from postroom.service.finishing import finish
from postroom.service.rulebook import Rulebook
from postroom.service.suspicion import Suspicion

log = get_logger()


@dataclass(frozen=True)
class _Round:
    """One look at a mailbox: when it began, and what is held against its messages."""

    mailbox: Mailbox
    listed: datetime
    suspicion: Suspicion


async def _always() -> bool:
    return True


@dataclass(frozen=True)
class Processor:
    """Handles the arrivals of one account's mailboxes.

    While it may not fetch, only what is known already is done. A stop waits `grace`
    seconds for the batch in hand; what is left of it then is done after the next start.
    """

    account: str
    book: Rulebook
    store: Store
    clock: Clock
    bookmark: Bookmark
    deliberation: Deliberation
    effector: Effector
    commitment: Commitment
    sizes: BatchSizes
    may_fetch: Callable[[], Awaitable[bool]] = _always
    grace: float = 10
    suspicions: defaultdict[tuple[str, int], Suspicion] = field(
        default_factory=lambda: defaultdict(Suspicion)
    )

    async def note_unchanged(self, mailbox: str) -> None:
        """Note that the mailbox stands as it did at the last look."""
        await self.store.touch(self.account, mailbox, self.clock.now())

    async def catch_up(self, mailbox: Mailbox) -> int:
        """Handle everything in the mailbox that is not handled yet; how many messages
        have arrived.

        Raises `TemporaryError` when the connection fails; the next call goes on where
        this one was.
        """
        suspicion = self.suspicions[mailbox.name, mailbox.uidvalidity]
        round_ = _Round(mailbox, self.clock.now(), suspicion)
        beginning = await self.bookmark.find(mailbox, suspicion)
        if beginning.unread:
            present = await mailbox.present(beginning.unread)
            await self._give_up(round_, sorted(present), NO_HEADER_ANEW, final=True)
        await self.effector.apply(mailbox, self.account)
        if not await self.may_fetch():
            return 0
        place = (self.account, mailbox.name, mailbox.uidvalidity)
        undecided = await self.store.undecided(*place)
        uids = await mailbox.uids_after(beginning.cursor.uid)
        reach(Point.C1)
        await self._handle_all(round_, uids, beginning.cursor)
        if not uids:
            await self.note_unchanged(mailbox.name)
        # Last, so that what can't be decided holds nothing up.
        await self._handle_all(round_, undecided)
        return len(uids)

    async def _handle_all(
        self, round_: _Round, uids: Sequence[int], before: Cursor | None = None
    ) -> None:
        """Handle these in batches; the cursor that was there `before` goes with them.

        Only with the last of them the mailbox was looked at: should the server number
        its messages anew before that, the others have arrived since.
        """
        for batch in round_.suspicion.split(uids, self.sizes):
            if not await self.may_fetch():
                return
            cursor = before and replace(before, uid=batch[-1])
            if cursor and batch[-1] == uids[-1]:
                cursor = replace(cursor, checked=round_.listed)
            work = self._handle_batch(round_, batch, cursor)
            await finish(work, lambda: self.grace)

    # -- one batch ---------------------------------------------------------------------

    async def _handle_batch(
        self, round_: _Round, uids: Sequence[int], cursor: Cursor | None
    ) -> None:
        if reason := round_.suspicion.verdict(uids, self.clock.monotonic()):
            await self._give_up(round_, uids, reason, final=True)
            await self.commitment.commit(self._at(round_), [], cursor)
        else:
            await self._handle(round_, uids, cursor)
        round_.suspicion.clear(uids)
        await self.effector.apply(round_.mailbox, self.account)

    async def _handle(
        self, round_: _Round, uids: Sequence[int], cursor: Cursor | None
    ) -> None:
        """See, decide and commit."""
        with round_.suspicion.watching(uids, self.clock.monotonic()):
            messages = await round_.mailbox.headers(uids)
        await self._note_missing(round_, uids, messages)
        sightings = await self.store.see(messages, round_.listed)
        reach(Point.C5)
        seen = [m for m in messages if sightings[m.key].state is MessageState.SEEN]
        new = [m for m in seen if not sightings[m.key].begun_before]
        async with self._taking_back(new):
            for message in seen:
                if sightings[message.key].begun_before:
                    await self._begin_again(round_, message)
            await self._decide_and_commit(round_, new, cursor)
        for key in (key for key in sightings if sightings[key].returned):
            place = {"account": key.account, "mailbox": key.mailbox, "uid": key.uid}
            log.info("message_returned", **place)

    async def _note_missing(
        self, round_: _Round, uids: Sequence[int], messages: Sequence[Message]
    ) -> None:
        """Of those the server gave nothing of: which are gone, and which are not."""
        given = {message.key.uid for message in messages}
        missing = [uid for uid in uids if uid not in given]
        if not missing:
            return
        present = await round_.mailbox.present(missing)
        gone = [uid for uid in missing if uid not in present]
        await self.store.mark_gone([_key(self.account, round_, uid) for uid in gone])
        await self._give_up(round_, sorted(present), NOT_GIVEN)

    async def _give_up(
        self, round_: _Round, uids: Sequence[int], reason: str, *, final: bool = False
    ) -> None:
        """Record messages of which nothing is known but that they are there."""
        keys = [_key(self.account, round_, uid) for uid in uids]
        messages = [Message(key, 0, NEVER, frozenset(), Header()) for key in keys]
        sightings = await self.store.see(messages, round_.listed)
        for key, sighting in sightings.items():
            if sighting.begun_before:
                await self.store.begin_again(key)
        decisions = [
            Decision(message, failure=reason, final=final)
            for message in messages
            if sightings[message.key].state is MessageState.SEEN
        ]
        await self.commitment.commit(self._at(round_), decisions, None)

    async def _begin_again(self, round_: _Round, message: Message) -> None:
        """Decide one that was begun before, alone: if it is what ended the process, it
        ends up in quarantine, and no other does."""
        if await self.store.begin_again(message.key) <= MOST_BEGINNINGS:
            async with self._taking_back([message]):
                await self._decide_and_commit(round_, [message], None)
        else:
            await self.store.take_back([message.key])  # it is not decided once more
            reason = f"deciding was begun {MOST_BEGINNINGS} times and never ended"
            decision = Decision(message, failure=reason)
            await self.commitment.commit(self._at(round_), [decision], None)

    @asynccontextmanager
    async def _taking_back(self, messages: Sequence[Message]) -> AsyncIterator[None]:
        """A connection that fails meanwhile, or a stop, is no attempt at these."""
        try:
            yield
        except (TemporaryError, asyncio.CancelledError):
            await self.store.take_back([message.key for message in messages])
            raise

    async def _decide_and_commit(
        self, round_: _Round, messages: Sequence[Message], cursor: Cursor | None
    ) -> None:
        """The cursor is committed with the last of the decisions."""
        mailbox, begun = round_.mailbox, self.clock.monotonic()
        edition = self.book.edition
        decisions, open_ = await self.deliberation.by_headers(
            edition, mailbox, messages
        )
        chunks = list(self.sizes.split_by_octets(open_))
        place = Place(mailbox, edition.run, begun)
        await self.commitment.commit(place, decisions, None if chunks else cursor)
        for number, chunk in enumerate(chunks, 1):
            uids = [message.key.uid for message in chunk]
            with round_.suspicion.watching(uids, begun):
                decisions = await self.deliberation.in_full(edition, mailbox, chunk)
            is_last = number == len(chunks)
            await self.commitment.commit(place, decisions, cursor if is_last else None)

    def _at(self, round_: _Round) -> Place:
        return Place(round_.mailbox, self.book.edition.run, self.clock.monotonic())


def _key(account: str, round_: _Round, uid: int) -> MessageKey:
    mailbox = round_.mailbox
    return MessageKey(account, mailbox.name, mailbox.uidvalidity, uid)
