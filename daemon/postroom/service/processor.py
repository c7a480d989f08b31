"""What happens to arrivals: seen, decided, committed, done; in batches.

The order is the promise: nothing is done before the plans of a batch, all that is to be
sent, and the cursor are committed together. From there on a crash loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from postroom.errors import TemporaryError
from postroom.log import get_logger
from postroom.mail.message import Message, MessageKey
from postroom.ports import Clock, Cursor, Decision, Mailbox, MessageState, Store
from postroom.rules.effects import Send
from postroom.service.batches import BatchSizes
from postroom.service.bookmark import Bookmark
from postroom.service.deliberation import Deliberation
from postroom.service.effector import Effector
from postroom.service.events import MessageFailed, MessageHandled, Observer
from postroom.service.finishing import finish

log = get_logger()

# A message whose deciding was begun so often and never ended is not begun again.
MOST_ATTEMPTS = 3
# A stop waits so many seconds for the batch in hand; what is left of it then is done
# after the next start.
_GRACE = 10.0


@dataclass(frozen=True)
class Processor:
    """Handles the arrivals of one account's mailboxes.

    `ring_sender` is called after mail to be sent was committed.
    """

    account: str
    run: int
    store: Store
    clock: Clock
    bookmark: Bookmark
    deliberation: Deliberation
    effector: Effector
    observer: Observer
    ring_sender: Callable[[], None]
    sizes: BatchSizes

    async def catch_up(self, mailbox: Mailbox) -> None:
        """Handle everything in the mailbox that is not handled yet.

        Raises `TemporaryError` when the connection fails; the next call goes on where
        this one was.
        """
        await self.effector.apply(mailbox, self.account)
        beginning = await self.bookmark.find(mailbox)
        for batch in self.sizes.split(beginning.fresh):
            await self._handle(mailbox, batch, None)
        if not beginning.is_set:
            await self.bookmark.set(mailbox, beginning.cursor)
        await self._retry_undecided(mailbox)
        await self._read_on(mailbox, beginning.cursor)

    async def _read_on(self, mailbox: Mailbox, cursor: Cursor) -> None:
        uids = await mailbox.uids_after(cursor.uid)
        for batch in self.sizes.split(uids):
            cursor = self.bookmark.cursor(mailbox, batch[-1])
            await finish(self._handle(mailbox, batch, cursor), lambda: _GRACE)
        if not uids:
            await self.store.touch(self.account, mailbox.name, self.clock.now())

    async def _retry_undecided(self, mailbox: Mailbox) -> None:
        name, uidvalidity = mailbox.name, mailbox.uidvalidity
        uids = await self.store.undecided(self.account, name, uidvalidity)
        for batch in self.sizes.split(uids):
            there = await self._handle(mailbox, batch, None)
            place = (self.account, name, uidvalidity)
            gone = [MessageKey(*place, uid) for uid in batch if uid not in there]
            await self.store.mark_gone(gone)

    # -- one batch ---------------------------------------------------------------------

    async def _handle(
        self, mailbox: Mailbox, uids: Sequence[int], cursor: Cursor | None
    ) -> frozenset[int]:
        """See, decide, commit and do; the UIDs that were there."""
        messages = await mailbox.headers(uids)
        sightings = await self.store.see(messages)
        seen = [m for m in messages if sightings[m.key].state is MessageState.SEEN]
        for message in seen:
            if sightings[message.key].begun_before:
                await self._begin_again(mailbox, message)
        new = [m for m in seen if not sightings[m.key].begun_before]
        await self._decide(mailbox, new, cursor)
        await self.effector.apply(mailbox, self.account)
        return frozenset(message.key.uid for message in messages)

    async def _begin_again(self, mailbox: Mailbox, message: Message) -> None:
        """Decide one that was begun before, alone: if it is what ended the process, it
        ends up in quarantine, and no other does."""
        if await self.store.begin_again(message.key) <= MOST_ATTEMPTS:
            await self._decide(mailbox, [message], None)
        else:
            reason = f"deciding was begun {MOST_ATTEMPTS} times and never ended"
            decision = Decision(message, failure=reason)
            await self._commit(mailbox, [decision], None, self.clock.monotonic())

    async def _decide(
        self, mailbox: Mailbox, messages: Sequence[Message], cursor: Cursor | None
    ) -> None:
        """Decide and commit; a connection that fails meanwhile is no attempt."""
        try:
            await self._decide_and_commit(mailbox, messages, cursor)
        except TemporaryError:
            await self.store.take_back([message.key for message in messages])
            raise

    async def _decide_and_commit(
        self, mailbox: Mailbox, messages: Sequence[Message], cursor: Cursor | None
    ) -> None:
        """The cursor is committed with the last of the decisions."""
        begun = self.clock.monotonic()
        decisions, open_ = await self.deliberation.by_headers(mailbox, messages)
        chunks = list(self.sizes.split_by_octets(open_))
        await self._commit(mailbox, decisions, None if chunks else cursor, begun)
        for number, chunk in enumerate(chunks, 1):
            decisions = await self.deliberation.in_full(mailbox, chunk)
            is_last = number == len(chunks)
            await self._commit(mailbox, decisions, cursor if is_last else None, begun)

    async def _commit(
        self,
        mailbox: Mailbox,
        decisions: Sequence[Decision],
        cursor: Cursor | None,
        begun: float,
    ) -> None:
        if decisions:
            await self.store.commit(self.run, decisions, cursor)
        elif cursor:
            await self.bookmark.set(mailbox, cursor)
        milliseconds = round((self.clock.monotonic() - begun) * 1000, 1)
        for decision in decisions:
            self._tell(decision, milliseconds)
        if any(_sends(decision) for decision in decisions):
            self.ring_sender()

    def _tell(self, decision: Decision, milliseconds: float) -> None:
        # The bodies are in the store, or not needed any more: let go of them.
        message, plan = replace(decision.message, content=None), decision.plan
        key = message.key
        event = log.bind(
            account=key.account,
            mailbox=key.mailbox,
            uid=key.uid,
            message_id=message.message_id,
            ms=milliseconds,
        )
        if plan is None:
            event.warning("message_undecided", reason=decision.failure)
            self.observer(MessageFailed(message, decision.failure))
        else:
            done = [told for entry in plan.trace for told in entry.effects]
            event.info("message_handled", matched=list(plan.matched), effects=done)
            self.observer(MessageHandled(message, plan))


def _sends(decision: Decision) -> bool:
    effects = decision.plan.effects if decision.plan else ()
    return any(isinstance(planned.effect, Send) for planned in effects)
