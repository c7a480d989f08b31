"""Listings of a maildrop, and what a visit does with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from postroom.ports import Decision, Item, Listed, Roll, Stored, Uptime
from postroom.rules.effects import Effect
from postroom.store.maildrop_items import items_of, read
from postroom.store.maildrops import find
from postroom.store.schema import maildrop_item
from postroom.store.store import SqlStore
from tests.store.samples import NOON, RULES, StillClock, message, plan

ISP = "isp"


class RebootingClock(StillClock):
    """A clock whose wall clock can be set, on a machine that can be booted anew."""

    def __init__(self) -> None:
        super().__init__()
        self._boot, self._booted, self._set = 1, 0.0, 0.0

    def uptime(self) -> Uptime:
        """Since the last boot; nobody can set it."""
        return Uptime(f"boot {self._boot}", self.monotonic() - self._set - self._booted)

    def rename_boot(self) -> None:
        """Call the same boot by another name."""
        self._boot += 1

    def boot(self) -> None:
        """Begin another boot."""
        self.rename_boot()
        self._booted = self.monotonic() - self._set

    def set(self, **how_far: float) -> None:
        """Set the wall clock forward or back, though no time has passed."""
        before = self.monotonic()
        self.forward(**how_far)
        self._set += self.monotonic() - before


def listing(*names: str, size: int = 100) -> list[Listed]:
    """Messages of these unique-ids, numbered from 1, all of one size."""
    return [Listed(number, size, name) for number, name in enumerate(names, 1)]


def octets(text: str) -> str:
    """The hash of a message that this tells from others."""
    return hashlib.sha256(text.encode()).hexdigest()


def uids(roll: Roll) -> dict[int, int]:
    """The UID of each number that is known."""
    return {number: item.uid for number, item in roll.items.items()}


async def note_stored(store: SqlStore, texts: Mapping[int, str]) -> frozenset[int]:
    """Note that these texts are stored, by their UIDs."""
    stored = [Stored(uid, octets(text)) for uid, text in texts.items()]
    return await store.note_stored(ISP, stored)


async def fetch(store: SqlStore, *names: str) -> list[int]:
    """List these and note them all as stored, each with octets of its own; the UIDs."""
    roll = await store.note_listing(ISP, listing(*names))
    found = [roll.items[number].uid for number in range(1, len(names) + 1)]
    await note_stored(store, dict(zip(found, names, strict=True)))
    return found


async def handle(store: SqlStore, them: Iterable[int], *effects: Effect) -> None:
    """Decide these, in the INBOX, to have these effects."""
    validity = (await store.maildrop(ISP)).uidvalidity
    arrivals = [message(uid, account=ISP, uidvalidity=validity) for uid in them]
    run = await store.begin_run("live", RULES)
    await store.see(arrivals, NOON)
    decisions = [
        Decision(each, plan(f"k{each.key.uid}", *effects)) for each in arrivals
    ]
    await store.commit(run, decisions, None)


async def waiting(store: SqlStore, account: str) -> Mapping[int, Item]:
    """Those known and not noted as removed from the server, by UID."""
    return await store._reader.read(lambda connection: _unremoved(connection, account))


def _unremoved(connection: Connection, account: str) -> Mapping[int, Item]:
    drop = find(connection, account)
    if drop is None:
        return {}
    unremoved = items_of(drop.uidvalidity).where(maildrop_item.c.removed.is_(None))
    return {row.uid: row.item for row in read(connection, unremoved)}
