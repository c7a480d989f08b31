"""Memory: what the store is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from postroom.mail.envelope import Outgoing
from postroom.mail.message import Message, MessageKey
from postroom.ports.doubts import Doubts
from postroom.ports.mailboxes import Extent
from postroom.ports.maildrops import Maildrops
from postroom.ports.records import (
    Cursor,
    Decision,
    EffectResult,
    Hold,
    HoldKind,
    NotSent,
    OpenEffect,
    OpenPerform,
    PerformResult,
    RelayReport,
    Restored,
    Ruleset,
    Sighting,
    WatchReport,
)
from postroom.ports.relays import DeliveryResult, DueDelivery
from postroom.rules.effects import Window


class Memories(Protocol):
    """What plugins remember: texts under keys, each until its time."""

    async def recall(self, plugin: str, key: str) -> str | None:
        """The text of this key, if its time has not come."""

    async def remember(self, plugin: str, key: str, text: str, until: datetime) -> None:
        """Keep a text under a key, instead of the one there was."""


class Store(Memories, Maildrops, Doubts, Protocol):
    """What postroom remembers. Every method is one transaction, which survives kill -9;
    `commit`, `adopt`, `note_arrived`, `mark_sending`, `settle`, `resolve`, `hold` and
    `release` are synced to disk as well."""

    async def begin_run(self, mode: str, ruleset: Ruleset) -> int:
        """Note the start of a run (`live`, `sweep`, `undo`) by these rules; its id."""

    async def recognise(self, identities: Mapping[str, str]) -> dict[str, str]:
        """Note which login (`user@host`) each account of the settings has. An account
        that is new by its name and has the login of one that is gone is that one: it
        goes on under its new name, and so does what waits for its relay. The UIDs of
        one that keeps its name and has another login are void. The old names by the
        new ones."""

    async def restored(self) -> Restored | None:
        """When the store was last put back, and how; None if it never was."""

    async def cursor(self, account: str, mailbox: str) -> Cursor | None:
        """How far this mailbox has been read; None if never."""

    async def adopt(self, account: str, mailbox: str, cursor: Cursor) -> None:
        """Set the cursor without handling what lies before it."""

    async def touch(self, account: str, mailbox: str, checked: datetime) -> None:
        """Note that the mailbox was looked at and held nothing new."""

    async def report_watch(self, report: WatchReport) -> None:
        """Note what a watcher is at; the last report of each mailbox is kept."""

    async def report_relay(self, report: RelayReport) -> None:
        """Note how a relay is doing; the last report of each is kept."""

    async def see(
        self, messages: Sequence[Message], listed: datetime
    ) -> dict[MessageKey, Sighting]:
        """Record that deciding these is begun: a row for each new one, an attempt. One
        that has a row is only told. `acknowledged` at once are one that an effect of
        this account placed there, and one that has returned: decided here before, and
        away when the mailbox was `listed`, before anything was done to it."""

    async def begin_again(self, key: MessageKey) -> int:
        """Count one more attempt at deciding a `seen` message; how many there were. One
        by one: where one ends the process, the others must not be taken for it."""

    async def take_back(self, keys: Sequence[MessageKey]) -> None:
        """Take back the last attempt at those still `seen`: something else ended it."""

    async def unknown(self, messages: Sequence[Message]) -> frozenset[MessageKey]:
        """Those of which nothing is known: that have no row, and are like none that the
        same mailbox held, decided, under another UIDVALIDITY; and those that were noted
        as held."""

    async def note_arrived(self, messages: Sequence[Message], held: str = "") -> None:
        """Record these as `seen`, no attempt begun; `acknowledged` at once are the same
        as with `see`. What would go out of one that is `held` waits for the owner, who
        is told this reason. Those that have a row keep it as it is."""

    async def carry_over(
        self, account: str, mailbox: str, messages: Sequence[Message]
    ) -> int:
        """Have these go on where messages of other UIDVALIDITYs were: what is open is
        done to them, what is `seen` or `quarantined` stays so; for how many."""

    async def give_up_before(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> None:
        """Fail the mailbox effects that are open under other UIDVALIDITYs; what was
        `seen` there and not found again is `gone`."""

    async def void_uids(self, account: str, mailbox: str) -> None:
        """Keep what is known under the mailbox's present UIDVALIDITY under one that no
        server has: its UIDs may now be those of other messages."""

    async def undecided(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> list[int]:
        """UIDs of `seen` messages at or below the cursor, ascending, but for those that
        wait for a rule."""

    async def mark_gone(self, keys: Sequence[MessageKey]) -> None:
        """Record that these are no longer on the server."""

    async def commit(
        self, run: int, decisions: Sequence[Decision], cursor: Cursor | None
    ) -> tuple[NotSent, ...]:
        """Record plans, effects, outgoing mail and the cursor, all or nothing. Without
        a plan a message stays `seen`; at the third attempt, or when that is `final`, it
        is `quarantined`. Deliveries and performs of one that was noted as held wait for
        the owner. A `Send` with a window that was taken before is `done`, nothing is
        sent, and its detail says so, as does what is returned; else the window is taken
        now, or, of one that waits for the owner, when that is released. What
        `waits_for` a rule that is held no more is tried again.
        """

    async def answered(
        self, account: str, window: Window, now: datetime
    ) -> datetime | None:
        """When the window was taken, if it still is; it is left as it is."""

    async def open_effects(
        self, account: str, mailbox: str, uidvalidity: int
    ) -> list[OpenEffect]:
        """Mailbox effects to be done now, in order; an expunge only when all else of
        its message is done. It becomes `held` when one of that can't be done."""

    async def begin_effects(
        self, ids: Sequence[int], before: Extent | None = None
    ) -> None:
        """Record that these are being done, and their target's extent before that; what
        was noted of one that was begun earlier stays."""

    async def finish_effects(
        self, results: Sequence[EffectResult], left: Collection[int] = ()
    ) -> None:
        """Record results, and move their messages to `settled` and `acknowledged`; what
        was begun and is `left` counts as never begun. What was `acknowledged` as placed
        by one of these, and by its UID was not, is `seen` again."""

    async def recover(
        self, now: datetime, relay: str | None = None, sought: Collection[str] = ()
    ) -> int:
        """After a restart, or once nobody sends to this relay any more: deliveries left
        `sending` become `unknown`; how many that were. Those of the relays in `sought`
        are to be looked for; of the others the at-least-once ones are queued again."""

    async def due(
        self, now: datetime, limit: int, relay: str | None = None
    ) -> list[DueDelivery]:
        """Deliveries whose time has come, oldest first, grouped by outgoing; of this
        relay only if one is named. A clock that was set back delays none for long."""

    async def next_due(self, relay: str | None = None) -> datetime | None:
        """When the next delivery (of this relay) is due; None if none waits."""

    async def waiting_relays(self) -> dict[str, int]:
        """How many deliveries wait for each relay, even one that is in no settings."""

    async def outgoing(self, outgoing_id: int) -> Outgoing:
        """The envelope and the exact bytes; `ContentError` if they are damaged."""

    async def begin_sending(self, ids: Sequence[int]) -> None:
        """Count an attempt at each, before their relay is asked for anything;
        `Withdrawn` if the owner took one of them away: then none is counted."""

    async def take_back_sending(self, ids: Sequence[int]) -> None:
        """Have the last attempts at these not count, unless past the final dot: they
        had an end."""

    async def mark_sending(self, ids: Sequence[int]) -> None:
        """Record that the final dot is about to be sent; `Withdrawn` if the owner took
        one of them away meanwhile: then none is recorded."""

    async def settle(
        self, results: Sequence[DeliveryResult]
    ) -> frozenset[tuple[str, str]]:
        """Record results; the (account, mailbox) pairs whose expunges may now go on."""

    async def due_performs(
        self, now: datetime, limit: int, after: int = 0
    ) -> list[OpenPerform]:
        """Performs whose time has come, oldest first, behind that of number `after`;
        those begun and not ended before a restart as well."""

    async def next_perform(self) -> datetime | None:
        """When the next perform is due; None if none waits."""

    async def perform_content(self, id: int) -> bytes | None:
        """The octets that were kept for this perform; None where it needs none."""

    async def begin_perform(self, id: int) -> bool:
        """Record that one more attempt at it is begun; False, and nothing is recorded,
        for one that is not open any more."""

    async def finish_performs(
        self, results: Sequence[PerformResult]
    ) -> frozenset[tuple[str, str]]:
        """Record results; the (account, mailbox) pairs whose expunges may now go on."""

    async def holds(self) -> list[Hold]:
        """The rules and accounts that are held."""

    async def hold(self, hold: Hold) -> None:
        """Hold a rule or an account; one that is held keeps its reason."""

    async def release(self, kind: HoldKind, name: str) -> bool:
        """End a hold; what waits for the rule, and what is held of what it wanted, is
        tried again. False if there was nothing of all that."""

    async def forget_rules(self, names: Collection[str]) -> None:
        """Given all rules there are now: end the holds of others, and have what waits
        for a rule that is not held tried again."""

    async def notice(self, name: str, text: str) -> None:
        """Keep a text for `status` under a name; an empty one takes it away."""

    async def note_vocabulary(self, origins: Mapping[str, str]) -> None:
        """Note which plugin each condition and action came with: `condition NAME`."""
