"""The part of the store for holds, for answers, and for what plugins and `status` are
told: each method one transaction.

Invariant: a hold that was set or ended is synced to disk when that is said to be done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from postroom.ports import Hold, HoldKind
from postroom.rules.effects import Window
from postroom.store import holds, notes, windows
from postroom.store.transactions import Transactions


class NotingStore(Transactions):
    """What is remembered of holds and answers, for plugins, and for the owner."""

    # -- holds

    async def holds(self) -> list[Hold]:
        """The rules and accounts that are held."""
        return await self._reader.read(holds.held)

    async def hold(self, hold: Hold) -> None:
        """Hold a rule or an account; one that is held keeps its reason."""
        await self._write(
            lambda connection: holds.note_hold(connection, hold), durable=True
        )

    async def held_rules(self) -> frozenset[str]:
        """The names of rules, even of those that are no more, that are held, that
        messages wait for, or of which something is held that they wanted done."""
        return await self._reader.read(holds.releasable_rules)

    async def release(self, kind: HoldKind, name: str) -> bool:
        """End a hold; what waits for the rule, and what is held of what it wanted, is
        tried again. False if there was nothing of all that."""
        now = self._clock.now()
        return await self._write(
            lambda connection: holds.release(connection, kind, name, now), durable=True
        )

    async def forget_rules(self, names: Collection[str]) -> None:
        """Given the names of all rules: end the holds of others, and have nothing wait
        for a rule that is not held."""
        now = self._clock.now()
        await self._write(lambda connection: holds.forget_rules(connection, names, now))

    # -- answers

    async def answered(
        self, account: str, window: Window, now: datetime
    ) -> datetime | None:
        """When the window was taken, if it still is; it is left as it is."""
        return await self._reader.read(
            lambda connection: windows.answered(connection, account, window, now)
        )

    # -- memories

    async def recall(self, plugin: str, key: str) -> str | None:
        """The text of this key, if its time has not come."""
        now = self._clock.now()
        return await self._reader.read(
            lambda connection: notes.recall(connection, plugin, key, now)
        )

    async def remember(self, plugin: str, key: str, text: str, until: datetime) -> None:
        """Keep a text under a key, instead of the one there was."""
        now = self._clock.now()
        row = {"plugin": plugin, "key": key, "text": text, "until": until}
        await self._write(lambda connection: notes.remember(connection, row, now))

    # -- notices and words

    async def notice(self, name: str, text: str) -> None:
        """Keep a text for `status` under a name; an empty one takes it away."""
        now = self._clock.now()
        await self._write(
            lambda connection: notes.note_notice(connection, name, text, now)
        )

    async def note_vocabulary(self, origins: Mapping[str, str]) -> None:
        """Note which plugin each condition and action came with last."""
        await self._write(lambda connection: notes.note_vocabulary(connection, origins))

    async def vocabulary(self) -> dict[str, str]:
        """The plugin that each condition and action came with last."""
        return await self._reader.read(notes.read_vocabulary)
