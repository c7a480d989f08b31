"""Recording the effects of plans: each key once, in the order they are to be done.

Invariants: a message has one plan of each occasion, and an effect is recorded once. The
key of an effect, which the database keeps unique, is made of

* the row of its message. Where an account's name or a UID comes to mean another, no
  effect is taken for an earlier one; and where a server numbers its messages anew, the
  row stays.
* its occasion, unless that is the arrival: a run over mail that is there, wanted by the
  owner, may want of a message what was done of it before.
* a digest of the rule's name, the effect's place among the rule's, its kind and its
  target (`rules/keys.py`). The rule's text is not in it: a rule that is edited does not
  fire again on old mail.

What failed or was held is done later under the same key, and so is what a release from
quarantine has decided: that had no plan. Plugins are told the key at each attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from postroom.mail.message import Message
from postroom.mail.names import canonical
from postroom.ports import EffectState, NotSent
from postroom.rules.effects import Copy, Effect, FileInto, Send
from postroom.rules.plan import Plan, PlannedEffect
from postroom.store.beginnings import Origin, begin
from postroom.store.codec import encode_effect, encode_flags, kind_of
from postroom.store.cursors import account_id
from postroom.store.kinds import EffectKind, RunMode
from postroom.store.ledger import LedgerRow
from postroom.store.many import Many
from postroom.store.outbox import enqueue
from postroom.store.schema import effect
from postroom.store.slices import rows_where

_RECORD = Many(
    insert(effect),
    (
        *("plan_id", "message", "account_id", "key", "kind", "rule", "ordinal"),
        *("arguments", "state", "attempted", "source_mailbox", "source_uidvalidity"),
        *("source_uid", "flags_before", "target_mailbox", "detail", "updated"),
        "content_hash",
    ),
)

# Flags and copies first, then what leaves, then one place.
_ORDER = {kind: rank for rank, kind in enumerate(EffectKind)}


@dataclass(frozen=True)
class Decided:
    """A message that has a row and a plan, and on what occasion it was made."""

    row: LedgerRow
    message: Message
    plan: Plan
    occasion: str

    def key(self, planned: PlannedEffect) -> str:
        """The key under which the effect is kept."""
        if self.occasion == RunMode.LIVE:
            return f"{self.row.id}:{planned.key}"
        return f"{self.row.id}:{self.occasion}:{planned.key}"


def record_effects(
    connection: Connection,
    decided: Sequence[Decided],
    plans: Mapping[int, int],
    now: datetime,
) -> tuple[NotSent, ...]:
    """Record the effects that are new, and put what they send into the outbox. What is
    not sent, since its window is taken."""
    accounts = _account_ids(connection, decided)
    known = _known_keys(connection, decided)
    rows: dict[str, dict[str, object]] = {}
    sends: dict[str, Send] = {}
    unsent: list[NotSent] = []
    for each in decided:
        owner = accounts[_account(each)]
        origin = Origin(owner, each.message, each.row.held)
        common = {"plan_id": plans[each.row.id], "account_id": owner, "updated": now}
        for ordinal, planned in _in_order(each.plan):
            key = each.key(planned)
            if key in known or key in rows:
                continue
            begun = begin(connection, origin, planned.effect, now)
            rows[key] = _row(each, ordinal, planned) | common | begun
            if isinstance(planned.effect, Send) and _is_to_leave(planned.effect, begun):
                sends[key] = planned.effect
            if begun["state"] is EffectState.DONE:
                detail = str(begun["detail"])
                unsent.append(NotSent(each.message.key, planned.rule, detail))
    _RECORD.execute(connection, [*rows.values()])
    _send(connection, sends, now)
    return tuple(unsent)


def _send(connection: Connection, sends: Mapping[str, Send], now: datetime) -> None:
    """Put these into the outbox; one that is held says why in its detail."""
    query = select(effect.c.id, effect.c.key, effect.c.detail)
    for row in list(rows_where(connection, query, effect.c.key, list(sends))):
        enqueue(connection, row.id, sends[row.key].outgoing, now, held=row.detail)


def _is_to_leave(sending: Send, begun: Mapping[str, object]) -> bool:
    """False if it was answered before, or there is nobody to send it to."""
    is_open = begun["state"] is not EffectState.DONE
    return is_open and bool(sending.outgoing.envelope.recipients)


def _account(each: Decided) -> str:
    return each.message.key.account


def _account_ids(connection: Connection, decided: Sequence[Decided]) -> dict[str, int]:
    names = {_account(each) for each in decided}
    return {name: account_id(connection, name) for name in names}


def _known_keys(connection: Connection, decided: Sequence[Decided]) -> set[str]:
    keys = [each.key(planned) for each in decided for planned in each.plan.effects]
    rows = rows_where(connection, select(effect.c.key), effect.c.key, keys)
    return {row.key for row in rows}


def _in_order(plan: Plan) -> Iterator[tuple[int, PlannedEffect]]:
    def rank(planned: PlannedEffect) -> int:
        return _ORDER[kind_of(planned.effect)]

    return enumerate(sorted(plan.effects, key=rank))


def _row(each: Decided, ordinal: int, planned: PlannedEffect) -> dict[str, object]:
    return {
        "message": each.row.id,
        "key": each.key(planned),
        "kind": kind_of(planned.effect),
        "rule": planned.rule,
        "ordinal": ordinal,
        "arguments": encode_effect(planned.effect),
        "attempted": False,
        "source_mailbox": each.row.mailbox,
        "source_uidvalidity": each.message.key.uidvalidity,
        "source_uid": each.message.key.uid,
        "flags_before": encode_flags(each.message.flags),
        "target_mailbox": _target(planned.effect),
    }


def _target(planned: Effect) -> str | None:
    """Known before it is done, so that the target's watcher knows what it sees."""
    match planned:
        case Copy(mailbox=name) | FileInto(mailbox=name):
            return canonical(name)
    return None
