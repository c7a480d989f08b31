"""Doing what was planned on a mailbox: grouped, each group one command, by evidence.

Every effect is journaled before its command and its result after it, so that a crash
in between leaves something to verify, never something to guess. What the server refuses
for now stays open for the next round, and holds up nothing but its own message's leave.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from postroom.errors import PermanentError, RefusedForNow
from postroom.failpoints import Point, reach
from postroom.log import get_logger
from postroom.mail.message import MessageKey
from postroom.ports import (
    EffectResult,
    EffectState,
    Halfway,
    Mailbox,
    OpenEffect,
    Placement,
    Store,
)
from postroom.rules.effects import Copy, Delete, Effect, FileInto, SetFlags, tell
from postroom.service.doing import command
from postroom.service.events import EffectFinished, Observer
from postroom.service.resuming import (
    BEFORE,
    PERHAPS_TWICE,
    extent_before,
    look_back,
    tell_repeated,
)

log = get_logger()

# Flags first, while the message still has the name it is known by; then copies, then
# the one place.
_ORDER: tuple[type[Effect], ...] = (SetFlags, Copy, FileInto, Delete)
_LEAVING = (FileInto, Delete)
_GONE = "the message was no longer there"


@dataclass
class _Round:
    """One round over a mailbox: what was left open in it is not tried again. The leave
    of `departing` messages was begun before; the `doubtful` may have been done then."""

    left: set[int] = field(default_factory=set)
    staying: set[MessageKey] = field(default_factory=set)
    departing: set[MessageKey] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)

    def may(self, effect: OpenEffect) -> bool:
        """True if it was not tried; a message stays while another effect is open."""
        if isinstance(effect.effect, _LEAVING) and effect.message in self.staying:
            return False
        return effect.id not in self.left

    def leave(self, effects: Iterable[OpenEffect]) -> None:
        """Leave these open."""
        for each in effects:
            self.left.add(each.id)
            self.staying.add(each.message)


@dataclass(frozen=True)
class Effector:
    """Applies the open effects of mailboxes."""

    store: Store
    observer: Observer

    async def apply(self, mailbox: Mailbox, account: str) -> None:
        """Do every effect that is open on this mailbox.

        What the server refuses for now stays open until the next call. Raises
        `TemporaryError` when the connection fails; what was done till then is recorded,
        the rest stays open.
        """
        round_ = _Round()
        while effects := await self._open(mailbox, account, round_):
            round_.departing |= set(_departing(effects))
            results: list[EffectResult] = []
            try:
                for effect, group in _group(effects):
                    if untried := [each for each in group if round_.may(each)]:
                        how = (untried, round_, results)
                        round_.leave(await self._carry_out(mailbox, effect, *how))
            finally:
                reach(Point.C19)
                await self.store.finish_effects(results)
                reach(Point.C20)
            await self.store.mark_gone(list(_missing(effects, results)))
            self._tell(effects, results)

    async def _open(
        self, mailbox: Mailbox, account: str, round_: _Round
    ) -> list[OpenEffect]:
        place = (account, mailbox.name, mailbox.uidvalidity)
        return [
            each for each in await self.store.open_effects(*place) if round_.may(each)
        ]

    async def _carry_out(
        self,
        mailbox: Mailbox,
        effect: Effect,
        group: Sequence[OpenEffect],
        round_: _Round,
        results: list[EffectResult],
    ) -> list[OpenEffect]:
        """Do these and add what came of them to `results`; those that stay open."""
        reason = "the server did not do it, and did not say why"
        try:
            before = await extent_before(mailbox, effect, group)
            await self.store.begin_effects([each.id for each in group], before)
            reach(Point.C8)
            found, doubtful = await look_back(mailbox, effect, group)
            round_.doubtful |= doubtful
            results += found
            await _do(mailbox, effect, _without_result(group, results), round_, results)
        except RefusedForNow as error:
            reason = str(error)
        except PermanentError as error:
            placed = error.placed if isinstance(error, Halfway) else {}
            rest = _without_result(group, results)
            results += [_held(each, error, placed) for each in rest]
        if left := _without_result(group, results):
            log.warning(
                "effect_refused_for_now",
                account=left[0].message.account,
                mailbox=mailbox.name,
                uids=[each.message.uid for each in left],
                effect=tell(effect),
                detail=reason,
            )
        return left

    def _tell(
        self, effects: Sequence[OpenEffect], results: Sequence[EffectResult]
    ) -> None:
        by_id = {effect.id: effect for effect in effects}
        for result in results:
            effect = by_id[result.id]
            self.observer(EffectFinished(effect, result.state, result.detail))
            if result.detail == PERHAPS_TWICE:
                tell_repeated(effect)
            if result.state is not EffectState.DONE:
                log.warning(
                    "effect_" + result.state,
                    account=effect.message.account,
                    mailbox=effect.message.mailbox,
                    uid=effect.message.uid,
                    rule=effect.rule,
                    effect=tell(effect.effect),
                    detail=result.detail,
                )


def _group(effects: Iterable[OpenEffect]) -> Iterator[tuple[Effect, list[OpenEffect]]]:
    """Equal effects together, in the order in which they must be done."""

    def place(effect: OpenEffect) -> tuple[int, str]:
        return _ORDER.index(type(effect.effect)), repr(effect.effect)

    for _, group in groupby(sorted(effects, key=place), key=place):
        members = list(group)
        yield members[0].effect, members


async def _do(
    mailbox: Mailbox,
    effect: Effect,
    group: Sequence[OpenEffect],
    round_: _Round,
    results: list[EffectResult],
) -> None:
    """Add what came of these; nothing of those that are there and were not done."""
    if not group:
        return
    placed = await command(mailbox, effect, [each.message.uid for each in group])
    results += [
        EffectResult(
            each.id,
            EffectState.DONE,
            PERHAPS_TWICE if each.id in round_.doubtful else "",
            placed[each.message.uid],
        )
        for each in group
        if each.message.uid in placed
    ]
    missing = [each for each in group if each.message.uid not in placed]
    if missing:
        undone = await mailbox.present([each.message.uid for each in missing])
        gone = (each for each in missing if each.message.uid not in undone)
        results += [_conclude_gone(each, round_.departing) for each in gone]


def _without_result(
    group: Iterable[OpenEffect], results: Iterable[EffectResult]
) -> list[OpenEffect]:
    ended = {result.id for result in results}
    return [each for each in group if each.id not in ended]


def _held(
    effect: OpenEffect, error: PermanentError, placed: Mapping[int, Placement]
) -> EffectResult:
    placement = placed.get(effect.message.uid)
    return EffectResult(effect.id, EffectState.HELD, str(error), placement)


def _departing(effects: Iterable[OpenEffect]) -> Iterator[MessageKey]:
    return (
        each.message
        for each in effects
        if each.attempted and isinstance(each.effect, _LEAVING)
    )


def _conclude_gone(
    effect: OpenEffect, departing: Collection[MessageKey]
) -> EffectResult:
    if effect.attempted and effect.message in departing:
        # The message has left, as it was told to: whatever was to be done before that
        # had been done, and only the record of it was lost.
        return EffectResult(effect.id, EffectState.DONE, BEFORE)
    return EffectResult(effect.id, EffectState.FAILED, _GONE)


def _missing(
    effects: Sequence[OpenEffect], results: Sequence[EffectResult]
) -> Iterator[MessageKey]:
    gone = {result.id for result in results if result.detail == _GONE}
    return (effect.message for effect in effects if effect.id in gone)
