"""Correcting what was claimed by its fingerprint, once it is known what was placed.

Invariants: of a placement and a twin of it that arrived by itself, one is handled as an
arrival, whichever of them was taken for the other. What an effect had claimed that
certainly placed nothing is handled, unless another may have placed it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, select

from postroom.mail.message import Fingerprint, MessageKey
from postroom.mail.names import canonical
from postroom.ports import MessageState, Placement
from postroom.store.placements import by_fingerprint, note
from postroom.store.schema import (
    account,
    effect,
    located_message,
    mailbox,
    message,
    plan,
)
from postroom.store.slices import finding, found, rows_where
from postroom.store.states import MESSAGES

_CLAIMS = select(effect.c.id, effect.c.claimed_uid).where(
    effect.c.claimed_uidvalidity == bindparam("uidvalidity")
)
# Of effects that are known nothing else is asked: the database might go through all
# that ever placed something there.
OWN = finding(_CLAIMS, effect.c.id)
_OTHERS = finding(
    _CLAIMS.select_from(effect.join(account))
    .where(account.c.name == bindparam("account"))
    .where(effect.c.target_mailbox == bindparam("mailbox"))
    .where(effect.c.target_uid.is_(None)),
    effect.c.claimed_uid,
)


@dataclass(frozen=True)
class _Target:
    account: str
    mailbox: str
    uidvalidity: int

    def key(self, uid: int) -> MessageKey:
        return MessageKey(self.account, self.mailbox, self.uidvalidity, uid)


@dataclass(frozen=True)
class _Arrival:
    """A message of a target, and whether it was decided there, or is to be."""

    id: int
    mark: Fingerprint
    state: MessageState
    has_plan: bool

    @property
    def was_taken_for_one(self) -> bool:
        waiting = self.state in (MessageState.SEEN, MessageState.QUARANTINED)
        return self.has_plan or waiting

    @property
    def was_passed_over(self) -> bool:
        return self.state is MessageState.ACKNOWLEDGED and not self.has_plan


# The UID that each effect claims; None for one that has lost its claim to another.
_Claims = dict[int, int | None]


def correct_claims(
    connection: Connection, placements: Mapping[int, Placement], now: datetime
) -> None:
    """Have these effects claim what they placed, once it is recorded of them.

    What one had claimed instead goes to the effect that had claimed its own, a twin's,
    or to another that may have placed it. If there is none it arrived by itself: it is
    to be decided.
    """
    for target, told in _by_target(connection, placements).items():
        before = _claims(connection, target, told)
        claims = _exchange(before, told)
        passed_over = _passed_over(claims, told)
        claims |= {row: uid for row, uid in told.items() if uid in passed_over}
        _note_changes(connection, target, before, claims)
        if passed_over:
            _decide_after_all(connection, target, passed_over, now)


def drop_claims(connection: Connection, effects: Sequence[int], now: datetime) -> None:
    """Have these effects, which placed nothing, claim nothing.

    What one had claimed goes to another that may have placed it, or is to be decided.
    """
    columns = effect.c.target_mailbox, effect.c.claimed_uidvalidity
    query = (
        select(effect.c.id, account.c.name, *columns, effect.c.claimed_uid)
        .select_from(effect.join(account))
        .where(effect.c.claimed_uid.is_not(None))
    )
    dropped: defaultdict[_Target, dict[int, int]] = defaultdict(dict)
    for row in rows_where(connection, query, effect.c.id, effects):
        target = _Target(row.name, row.target_mailbox, row.claimed_uidvalidity)
        dropped[target][row.id] = row.claimed_uid
    for target, claims in dropped.items():
        note(connection, dict.fromkeys(claims))
        _decide(connection, target, _arrivals(connection, target, claims.values()), now)


def _by_target(
    connection: Connection, placements: Mapping[int, Placement]
) -> dict[_Target, dict[int, int]]:
    """The effects whose UID was told, and that UID, by where they placed it."""
    told: defaultdict[_Target, dict[int, int]] = defaultdict(dict)
    query = select(effect.c.id, account.c.name).join(account)
    for row in rows_where(connection, query, effect.c.id, list(placements)):
        placed = placements[row.id]
        if placed.uidvalidity is not None and placed.uid is not None:
            name = canonical(placed.mailbox)
            target = _Target(row.name, name, placed.uidvalidity)
            told[target][row.id] = placed.uid
    return told


def _claims(
    connection: Connection, target: _Target, told: Mapping[int, int]
) -> _Claims:
    """What these effects have claimed in the target, and who has claimed what they
    placed: effects of which no UID is known."""
    validity = target.uidvalidity
    own = found(connection, OWN, [*told], uidvalidity=validity)
    place = {"account": target.account, "mailbox": target.mailbox}
    others = found(connection, _OTHERS, [*told.values()], uidvalidity=validity, **place)
    return {row.id: row.claimed_uid for rows in (own, others) for row in rows}


def _exchange(before: _Claims, told: Mapping[int, int]) -> _Claims:
    """The same claims, but that each effect has its own one if any has it."""
    claims = dict(before)
    owners = {uid: row for row, uid in claims.items()}
    for row, uid in told.items():
        if uid in owners:
            other, instead = owners[uid], claims.get(row)
            claims[other], owners[instead] = instead, other
            claims[row] = uid
    return claims


def _passed_over(claims: _Claims, told: Mapping[int, int]) -> dict[int, int]:
    """What these effects have claimed for what they placed, by the latter's UIDs."""
    return {
        uid: claimed
        for row, uid in told.items()
        if (claimed := claims.get(row)) is not None and claimed != uid
    }


def _note_changes(
    connection: Connection, target: _Target, before: _Claims, claims: _Claims
) -> None:
    changed = {
        row: None if uid is None else target.key(uid)
        for row, uid in claims.items()
        if uid != before.get(row)
    }
    note(connection, changed)


def _decide_after_all(
    connection: Connection,
    target: _Target,
    passed_over: Mapping[int, int],
    now: datetime,
) -> None:
    """Have those that were passed over decided, by the UIDs of what was placed.

    Where that was taken for an arrival, the twins have only changed places.
    """
    there = _arrivals(connection, target, {*passed_over, *passed_over.values()})
    twins = {
        claimed: there[claimed]
        for placed, claimed in passed_over.items()
        if claimed in there
        if placed not in there or not there[placed].was_taken_for_one
    }
    _decide(connection, target, twins, now)


def _decide(
    connection: Connection,
    target: _Target,
    arrivals: Mapping[int, _Arrival],
    now: datetime,
) -> None:
    """Have these decided, by their UIDs, that were passed over: unless an effect that
    has no claim yet may have placed them."""
    twins = {
        target.key(uid): each for uid, each in arrivals.items() if each.was_passed_over
    }
    marks = {key: each.mark for key, each in twins.items()}
    claimed = by_fingerprint(connection, marks)
    note(connection, {row: key for key, row in claimed.items()})
    rows = [each.id for key, each in twins.items() if key not in claimed]
    changes = [{"id": row, "state": MessageState.SEEN, "updated": now} for row in rows]
    MESSAGES.advance(connection, changes)


def _arrivals(
    connection: Connection, target: _Target, uids: Iterable[int]
) -> dict[int, _Arrival]:
    has_plan = exists().where(plan.c.message == message.c.id).label("has_plan")
    columns = message.c.message_id, message.c.size, message.c.received, message.c.state
    query = (
        select(message.c.id, message.c.uid, *columns, has_plan)
        .select_from(located_message)
        .where(account.c.name == target.account, mailbox.c.name == target.mailbox)
        .where(message.c.uidvalidity == target.uidvalidity)
    )
    return {
        row.uid: _Arrival(
            row.id,
            Fingerprint(row.message_id, row.size, row.received),
            MessageState(row.state),
            row.has_plan,
        )
        for row in rows_where(connection, query, message.c.uid, list(uids))
    }
