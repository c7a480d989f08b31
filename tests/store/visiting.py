"""A maildrop that behaves badly, and a daemon that visits it and may always end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Coroutine, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from postroom.ports import Decision, Listed, MessageState, Stored, as_maildrop
from postroom.store.database import open_store
from postroom.store.store import SqlStore
from tests.store.maildrop_samples import ISP, octets
from tests.store.samples import NOON, RULES, StillClock, message, plan

T = TypeVar("T")


class Quit(StrEnum):
    """What comes of the removals when the session ends."""

    DONE = "done"
    DONE_UNSAID = "done, but the reply is lost"
    UNDONE = "not done, the reply is lost"
    REFUSED = "half of them done, and refused"
    KEPT = "said to be done, and not done"


@dataclass(eq=False)
class Mail:
    """A message in the maildrop; `kept` if the server said that it was removed."""

    text: str
    name: str
    kept: bool = False


@dataclass
class Server:
    """The maildrop, and what it is up to at the next listing."""

    named: bool
    mails: list[Mail] = field(default_factory=list)
    given: int = 0
    size: int = 100
    is_empty: bool = False
    is_blurred: bool = False

    def name(self) -> str:
        """A name that none had."""
        self.given += 1
        return f"u{self.given}" if self.named else ""

    def listing(self) -> dict[Listed, Mail]:
        """What a session lists."""
        shown = [] if self.is_empty else self.mails
        return {
            Listed(number, self.size, "" if self._blurs(number) else each.name): each
            for number, each in enumerate(shown, 1)
        }

    def _blurs(self, number: int) -> bool:
        return self.is_blurred and number % 2 == 0

    def remove(self, them: Collection[Mail]) -> None:
        """Have these be gone."""
        self.mails = [each for each in self.mails if each not in them]


class Ended(Exception):
    """The daemon came to its end here."""


class Daemon:
    """What visits the maildrop: its Maildir and its store outlive it."""

    def __init__(self, path: Path) -> None:
        self._path, self._clock = path, StillClock()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._files: dict[int, str] = {}
        self._left: int | None = None
        self._logins = 0
        self.processed: Counter[str] = Counter()
        self._open()

    def visit(self, server: Server, end: Quit, steps: int | None) -> Collection[Mail]:
        """Visit the maildrop, with so many steps to live; those noted as removed."""
        self._left = steps
        self._clock.forward(minutes=5)
        return self._runner.run(self._visit(server, end))

    def log_in_otherwise(self) -> None:
        """Begin anew, with another name of the server in the settings."""
        self.restart()
        self._logins += 1
        login = as_maildrop(f"ann@pop{self._logins}.example.org")
        self._runner.run(self._store.recognise({ISP: login}))

    def restart(self) -> None:
        """Begin anew, with what is on the disk."""
        self._runner.run(self._stack.aclose())
        self._open()

    def close(self) -> None:
        """End, whatever state it is in."""
        with self._runner:
            self._runner.run(self._stack.aclose())

    def _open(self) -> None:
        opened = open_store(self._path, clock=self._clock)
        self._store: SqlStore = self._runner.run(
            self._stack.enter_async_context(opened)
        )

    def _step(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Ended

    async def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """The work, unless the daemon ends before or right after it."""
        with closing(work):
            self._step()
            result = await work
        self._step()
        return result

    async def _visit(self, server: Server, end: Quit) -> Collection[Mail]:
        store = self._store
        found = server.listing()
        await self._note_stored(await self._unseen())
        roll = await self._do(store.note_listing(ISP, list(found)))
        items = dict(roll.items)
        unidentified = [each for each in found if each.number in roll.unidentified]
        for batch in (unidentified[:2], unidentified[2:]):
            named = {each: octets(found[each].text) for each in batch}
            items |= await self._do(store.identify(ISP, named))
        by_uid = {items[each.number].uid: found[each] for each in found}
        assert len(by_uid) == len(found), "no two have one UID"
        new = {
            items[each.number].uid: found[each].text
            for each in found
            if not items[each.number].stored
        }
        for uid, text in new.items():
            assert self._files.setdefault(uid, text) == text, "a UID is of one message"
            self._step()
        await self._note_stored(new)
        await self._process()
        return await self._remove(server, by_uid, end)

    async def _unseen(self) -> dict[int, str]:
        """The files whose messages are not in the ledger."""
        validity = (await self._do(self._store.maildrop(ISP))).uidvalidity
        arrivals = [
            message(uid, account=ISP, uidvalidity=validity) for uid in self._files
        ]
        unknown = await self._store.unknown(arrivals)
        return {key.uid: self._files[key.uid] for key in unknown}

    async def _note_stored(self, texts: Mapping[int, str]) -> None:
        stored = [Stored(uid, octets(text)) for uid, text in texts.items()]
        for uid in await self._do(self._store.note_stored(ISP, stored)):
            del self._files[uid]

    async def _process(self) -> None:
        validity = (await self._store.maildrop(ISP)).uidvalidity
        run = await self._store.begin_run("live", RULES)
        for uid in self._files:
            arrival = message(uid, account=ISP, uidvalidity=validity)
            told = await self._do(self._store.see([arrival], NOON))
            if told[arrival.key].state is MessageState.SEEN:
                self._step()
                decision = Decision(arrival, plan(f"k{uid}"))
                await self._store.commit(run, [decision], None)
                self.processed[self._files[uid]] += 1

    async def _remove(
        self, server: Server, by_uid: Mapping[int, Mail], end: Quit
    ) -> Collection[Mail]:
        uids = await self._do(self._store.removable(ISP, timedelta(0)))
        them = {uid: by_uid[uid] for uid in uids if uid in by_uid}
        if end in (Quit.DONE, Quit.DONE_UNSAID):
            server.remove([*them.values()])
        elif end is Quit.REFUSED:
            server.remove([*them.values()][::2])
        if end not in (Quit.DONE, Quit.KEPT):
            return []
        self._step()
        for each in them.values():
            each.kept = end is Quit.KEPT
        await self._store.note_removed(ISP, list(them))
        return list(them.values())
