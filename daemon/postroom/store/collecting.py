"""The part of the store that collects from maildrops: each method one transaction.

Invariant: a UID that was given, and a removal that was noted, is synced to disk when
the method returns. That a message is stored need not be: its file tells.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from postroom.ports import Item, Listed, Maildrop, Roll, Stored
from postroom.store import (
    maildrop_identities,
    maildrop_listings,
    maildrop_removals,
    maildrop_storing,
    maildrop_unhandled,
)
from postroom.store.cursors import account_id
from postroom.store.maildrops import meet, moment_of, void_maildrop
from postroom.store.transactions import Transactions


class CollectingStore(Transactions):
    """What is remembered of maildrops; with `note_arrived`, `ports.Maildrops`."""

    async def maildrop(self, account: str) -> Maildrop:
        """The account's maildrop; it is given its UIDVALIDITY when it is first met."""
        moment = moment_of(self._clock)
        known = await self._write(
            lambda connection: meet(connection, account, moment), durable=True
        )
        return known.told

    async def begin_anew(self, account: str) -> None:
        """Have nothing that is known be taken for what the maildrop holds: UIDs are
        given anew, under another UIDVALIDITY."""
        await self._write(
            lambda connection: void_maildrop(
                connection, account_id(connection, account)
            ),
            durable=True,
        )

    async def note_listing(self, account: str, listing: Sequence[Listed]) -> Roll:
        """Note what the maildrop holds now: a UID for each that is new, and which of
        those that were known are gone."""
        moment = moment_of(self._clock)
        return await self._write(
            lambda connection: maildrop_listings.note_listing(
                connection, account, listing, moment
            ),
            durable=True,
        )

    async def identify(
        self, account: str, found: Mapping[Listed, str]
    ) -> Mapping[int, Item]:
        """Recognise messages by the SHA-256 of their octets, or give them a UID; by
        their numbers. Two that are equal are two."""
        moment = moment_of(self._clock)
        return await self._write(
            lambda connection: maildrop_identities.identify(
                connection, account, found, moment
            ),
            durable=True,
        )

    async def note_stored(
        self, account: str, stored: Collection[Stored]
    ) -> frozenset[int]:
        """Note that these are durable here. The UIDs of those that are no new messages:
        they were known under another UID, and the maildrop has renamed them; they go on
        under the one they had, and these UIDs are void."""
        moment = moment_of(self._clock)
        return await self._write(
            lambda connection: maildrop_storing.note_stored(
                connection, account, stored, moment
            )
        )

    async def unhandled(self, account: str) -> frozenset[int]:
        """The UIDs of those noted as stored, and not as removed, that are in no ledger:
        a break came before they were looked at."""
        return await self._reader.read(
            lambda connection: maildrop_unhandled.unhandled(connection, account)
        )

    async def removable(self, account: str, keep: timedelta | None) -> frozenset[int]:
        """The UIDs of those that may be removed from the server now: stored, every
        effect done, and for at least so long here, by the wall clock as well as by the
        uptime that was counted. `keep` None: never."""
        if keep is None:
            return frozenset()
        moment = moment_of(self._clock)
        return await self._reader.read(
            lambda connection: maildrop_removals.removable(
                connection, account, keep, moment
            )
        )

    async def note_broken(self, account: str, uid: int) -> None:
        """Note that the connection ended while this one was to come."""
        moment = moment_of(self._clock)
        await self._write(
            lambda connection: maildrop_storing.note_broken(
                connection, account, uid, moment
            ),
            durable=True,
        )

    async def note_asked(self, account: str, uids: Collection[int]) -> None:
        """Note that the server is asked now to remove these."""
        moment = moment_of(self._clock)
        await self._write(
            lambda connection: maildrop_removals.note_asked(
                connection, account, uids, moment
            ),
            durable=True,
        )

    async def note_removed(self, account: str, uids: Collection[int]) -> None:
        """Note that the server has confirmed the removal of these."""
        moment = moment_of(self._clock)
        await self._write(
            lambda connection: maildrop_removals.note_removed(
                connection, account, uids, moment
            ),
            durable=True,
        )
