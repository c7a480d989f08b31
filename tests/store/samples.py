"""What the store's tests are made of: a clock, messages, plans and stores."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from postroom.mail.envelope import Envelope, Outgoing, Retry
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.ports import (
    Cursor,
    Decision,
    DeliveryResult,
    DeliveryState,
    DueDelivery,
    EffectResult,
    EffectState,
    Placement,
    Receipt,
    Ruleset,
    Uptime,
)
from postroom.rules.effects import Effect
from postroom.rules.plan import ConditionTrace, Plan, PlannedEffect, RuleTrace
from postroom.store.database import open_store
from postroom.store.store import SqlStore

T = TypeVar("T")

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
RULES = Ruleset((("10-first.toml", "[[rule]]\n"), ("20-second.toml", "# none\n")))
TRACE = (
    RuleTrace(
        "Invoices",
        matched=True,
        conditions=(ConditionTrace("subject", holds=True, seen="Invoice 7"),),
        effects=("move",),
    ),
    RuleTrace("Others", matched=False, note="stopped before"),
)


class StillClock:
    """A clock that goes forward only when it is told to."""

    def __init__(self) -> None:
        self._now = NOON

    def now(self) -> datetime:
        """The time it was last set to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since noon."""
        return (self._now - NOON).total_seconds()

    def uptime(self) -> Uptime:
        """The same, of one boot that never ends."""
        return Uptime("boot", self.monotonic())

    def forward(self, **how_long: float) -> None:
        """Let so much time pass."""
        self._now += timedelta(**how_long)


def with_store(
    path: Path,
    steps: Callable[[SqlStore], Awaitable[T]],
    *,
    clock: StillClock | None = None,
    read_only: bool = False,
) -> T:
    """Open the store, take the steps, close it."""

    async def run() -> T:
        opened = open_store(path, clock=clock or StillClock(), read_only=read_only)
        async with opened as store:
            return await steps(store)

    return asyncio.run(run())


def message(
    uid: int,
    *,
    mailbox: str = "INBOX",
    uidvalidity: int = 7,
    account: str = "home",
    message_id: str | None = None,
    flags: Sequence[str] = (),
    size: int = 1000,
    received: datetime = NOON,
) -> Message:
    """A message at depth headers, its Message-ID made of its UID if none is given."""
    name = f"<{uid}@example.org>" if message_id is None else message_id
    raw = b"Message-ID: " + name.encode("utf-8", "surrogateescape") + b"\r\n\r\n"
    return Message(
        key=MessageKey(account, mailbox, uidvalidity, uid),
        size=size,
        received=received,
        flags=frozenset(flags),
        header=Header.parse(raw),
    )


def plan(key: str, *effects: Effect) -> Plan:
    """A plan of one rule with these effects, whose keys begin with `key`."""
    planned = [
        PlannedEffect(f"{key}/{number}", "Invoices", effect)
        for number, effect in enumerate(effects)
    ]
    return Plan(tuple(planned), TRACE)


def outgoing(
    *recipients: str,
    content: bytes = b"Subject: x\r\n\r\nbody\r\n",
    retry: Retry = Retry.AT_LEAST_ONCE,
    relay: str = "home",
) -> Outgoing:
    """A message to these recipients."""
    envelope = Envelope("me@example.org", recipients or ("ann@example.org",))
    name = hashlib.sha256(content).hexdigest()[:16]
    return Outgoing(relay, envelope, content, f"<{name}@example.org>", retry)


def cursor(uid: int, uidvalidity: int = 7) -> Cursor:
    """A cursor that was checked at noon."""
    return Cursor(uidvalidity, uid, NOON)


async def decide(
    store: SqlStore, *planned: tuple[Message, Plan], at: Cursor | None = None
) -> None:
    """See these messages and commit their plans."""
    run = await store.begin_run("live", RULES)
    await store.see([each for each, _ in planned], NOON)
    await store.commit(run, [Decision(*each) for each in planned], at)


async def finish(
    store: SqlStore,
    state: EffectState = EffectState.DONE,
    placement: Placement | None = None,
    mailbox: str = "INBOX",
) -> None:
    """Begin and finish all that is open in the mailbox."""
    found = await store.open_effects("home", mailbox, 7)
    await store.begin_effects([each.id for each in found])
    results = [EffectResult(each.id, state, "", placement) for each in found]
    await store.finish_effects(results)


async def deliver(
    store: SqlStore, due: Sequence[DueDelivery], state: DeliveryState
) -> frozenset[tuple[str, str]]:
    """Send these past the final dot, and settle them with this state."""
    await store.mark_sending([each.id for each in due])
    receipt = Receipt(state, 250, "so it is")
    return await store.settle([DeliveryResult(each.id, receipt) for each in due])
