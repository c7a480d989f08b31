"""Rows for the database to refuse changes of: plain SQL, as every database reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import count
from typing import Any

from postroom.ports import DeliveryState, EffectState, MessageState
from postroom.store.states import DELIVERIES, EFFECTS, MESSAGES, Machine

MACHINES: tuple[Machine[Any], ...] = MESSAGES, EFFECTS, DELIVERIES

ROW = 1000

# What the rows below belong to.
PARENTS = (
    "INSERT INTO account (id, name, fence) VALUES (1, 'home', 0)",
    "INSERT INTO mailbox (id, account_id, name) VALUES (1, 1, 'INBOX')",
    "INSERT INTO ruleset (id, hash, created) VALUES (1, 'a', 0)",
    "INSERT INTO run (id, mode, ruleset_id, version, started)"
    " VALUES (1, 'live', 1, '0.1', 0)",
    "INSERT INTO content (hash, size, created) VALUES ('c', 0, 0)",
)


def message(row: int, state: str = "decided", attempts: int = 1) -> tuple[str, ...]:
    """A message and its plan."""
    return (
        "INSERT INTO message (id, mailbox_id, uidvalidity, uid, message_id, size,"
        " received, state, attempts, reason, first_seen, updated)"
        f" VALUES ({row}, 1, 7, {row}, '', 0, 0, '{state}', {attempts}, '', 0, 0)",
        "INSERT INTO plan (id, message, run_id, ruleset_id, trace, decided)"
        f" VALUES ({row}, {row}, 1, 1, '', 0)",
    )


def effect(
    row: int,
    of: int,
    state: str = "planned",
    *,
    kind: str = "flags",
    attempted: bool = True,
    attempts: int = 1,
) -> tuple[str, ...]:
    """An effect of a message."""
    return (
        "INSERT INTO effect (id, plan_id, message, account_id, key, kind, rule,"
        " ordinal, arguments, state, attempted, source_mailbox, source_uidvalidity,"
        " source_uid, flags_before, detail, updated, attempts)"
        f" VALUES ({row}, {of}, {of}, 1, '{row}', '{kind}', '', {row}, '', '{state}',"
        f" {attempted}, 1, 7, {of}, '', '', 0, {attempts})",
    )


def delivery(
    row: int,
    state: str = "queued",
    *,
    attempts: int = 1,
    next_attempt: str = "0",
    ended: str = "NULL",
) -> tuple[str, ...]:
    """A message, the effect that sends it, one delivery, and an attempt at it."""
    return (
        *message(row),
        *effect(row, row, "doing", kind="send"),
        "INSERT INTO outgoing (id, effect_id, relay, message_id, retry, content_hash,"
        f" created) VALUES ({row}, {row}, '', '', 'at-least-once', 'c', 0)",
        "INSERT INTO delivery (id, outgoing_id, recipient, state, attempts,"
        " next_attempt, code, reply, fence, updated)"
        f" VALUES ({row}, {row}, '', '{state}', {attempts}, {next_attempt}, 0, '', 0,"
        " 0)",
        "INSERT INTO attempt (delivery_id, charged, code, reply, started, ended)"
        f" VALUES ({row}, TRUE, 0, '', 0, {ended})",
    )


def row_in(machine: Machine[Any], row: int, state: str) -> tuple[str, ...]:
    """A row of the machine's table in this state, of which nothing is refused but for
    its edges."""
    if machine is MESSAGES:
        return message(row, state)
    if machine is EFFECTS:
        return (*message(row), *effect(row, row, state))
    return delivery(row, state)


@dataclass(frozen=True)
class Change:
    """A change of a state: what is there before it, and if it is to be refused."""

    name: str
    before: tuple[str, ...]
    statement: str
    refused: bool


def change(machine: Machine[Any], row: int, state: StrEnum | str) -> str:
    """The statement that sets the state of a row."""
    return f"UPDATE {machine.table.name} SET state = '{state}' WHERE id = {row}"


def edges() -> Iterator[Change]:
    """Every state of every table to every other, and to itself."""
    rows = count(1)
    for machine in MACHINES:
        for old in machine.states:
            for new in machine.states:
                row = next(rows)
                yield Change(
                    f"{machine.table.name} {old} > {new}",
                    row_in(machine, row, old),
                    change(machine, row, new),
                    new not in machine.edges[old],
                )


def premises() -> Iterator[Change]:
    """What is refused on a legal edge, each with its like that is not."""
    seen, at, sent = MessageState, EffectState, DeliveryState
    for name, refused, allowed, machine, state in (
        ("uncounted", _seen(0), _seen(1), MESSAGES, seen.DECIDED),
        ("uncounted", _seen(0), _seen(1), MESSAGES, seen.QUARANTINED),
        ("planned", _with("planned"), _with("failed"), MESSAGES, seen.SETTLED),
        ("doing", _with("doing"), _with("held"), MESSAGES, seen.SETTLED),
        ("failed", _after("failed"), _after("done"), MESSAGES, seen.ACKNOWLEDGED),
        ("untried", _tried(attempted=False), _tried(), EFFECTS, at.DOING),
        ("uncounted", _tried(attempts=0), _tried(), EFFECTS, at.DOING),
        ("too early", _expunge("held"), _expunge("done"), EFFECTS, at.DOING),
        ("unknown", _due("unknown"), _due("delivered"), EFFECTS, at.DONE),
        ("queued", _due("queued"), _due("withdrawn"), EFFECTS, at.DONE),
        ("not begun", _due(ended="0"), _due(), DELIVERIES, sent.SENDING),
        ("uncounted", _due(attempts=0), _due(), DELIVERIES, sent.SENDING),
        ("endless", _due(next_attempt="NULL"), _due(), DELIVERIES, sent.DELAYED),
    ):
        statement = change(machine, ROW, state)
        told = f"{machine.table.name} {state} {name}"
        yield Change(told, refused, statement, refused=True)
        yield Change(f"{told}: not so", allowed, statement, refused=False)


def _seen(attempts: int) -> tuple[str, ...]:
    return message(ROW, "seen", attempts)


def _with(state: str) -> tuple[str, ...]:
    return (*message(ROW), *effect(ROW, ROW, state))


def _after(state: str) -> tuple[str, ...]:
    return (*message(ROW, "settled"), *effect(ROW, ROW, state))


def _tried(*, attempted: bool = True, attempts: int = 1) -> tuple[str, ...]:
    tried = effect(ROW, ROW, attempted=attempted, attempts=attempts)
    return (*message(ROW), *tried)


def _expunge(other: str) -> tuple[str, ...]:
    expunge = effect(ROW, ROW, kind="expunge")
    return (*message(ROW), *expunge, *effect(ROW + 1, ROW, other))


_due = partial(delivery, ROW)
