"""Doing what was planned on a mailbox: grouped, each group one command, by evidence.

Every effect is journaled before its command and its result after it, so that a crash
in between leaves something to verify, never something to guess. What the server refuses
for now stays open for the next round, and holds up nothing but its own message's leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from postroom.errors import PermanentError, PostroomError, RefusedForNow
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
from postroom.rules.effects import Effect, tell
from postroom.service.attempts import Attempts
from postroom.service.doing import command
from postroom.service.events import EffectFinished, Observer
from postroom.service.grouping import Round, given_up, group, is_suspect
from postroom.service.resuming import (
    BEFORE,
    PERHAPS_TWICE,
    extent_before,
    look_back,
    tell_repeated,
)

log = get_logger()

_GONE = "the message was no longer there"


@dataclass(frozen=True)
class Effector:
    """Applies the open effects of mailboxes."""

    store: Store
    observer: Observer
    attempts: Attempts = field(default_factory=Attempts)

    async def apply(self, mailbox: Mailbox, account: str) -> None:
        """Do every effect that is open on this mailbox.

        What the server refuses for now stays open until the next call. Raises
        `TemporaryError` when the connection fails; what was done till then is recorded,
        the rest stays open.
        """
        round_ = Round()
        while effects := await self._open(mailbox, account, round_):
            round_.note(effects)
            results = given_up(effects)
            ended = False  # an error that nobody foresaw ends the process
            try:
                await self._do_all(mailbox, effects, round_, results)
                ended = True
            except (PostroomError, asyncio.CancelledError):
                ended = True
                raise
            finally:
                await self._record(effects, results, round_, ended=ended)

    async def _do_all(
        self,
        mailbox: Mailbox,
        effects: Sequence[OpenEffect],
        round_: Round,
        results: list[EffectResult],
    ) -> None:
        for effect, members in group(_without_result(effects, results)):
            if untried := [each for each in members if round_.may(each)]:
                left = await self._carry_out(mailbox, effect, untried, round_, results)
                round_.leave(left)
            if is_suspect(members[0]):
                # What ended well must not be begun anew beside what may not.
                await self._record(effects, results, round_)

    async def _record(
        self,
        effects: Sequence[OpenEffect],
        results: list[EffectResult],
        round_: Round,
        *,
        ended: bool = True,
    ) -> None:
        """Record and tell these results; what else was begun counts as never begun if
        its attempts have `ended`."""
        reach(Point.C19)
        left = round_.begun - {each.id for each in results} if ended else ()
        await self.store.finish_effects(results, left)
        self.attempts.ended(round_.begun)
        round_.begun.clear()
        reach(Point.C20)
        await self.store.mark_gone(list(_missing(effects, results)))
        self._tell(effects, results)
        results.clear()

    async def _open(
        self, mailbox: Mailbox, account: str, round_: Round
    ) -> list[OpenEffect]:
        place = (account, mailbox.name, mailbox.uidvalidity)
        return [
            replace(each, begun=self.attempts.unended(each.id, each.begun))
            for each in await self.store.open_effects(*place)
            if round_.may(each)
        ]

    async def _carry_out(
        self,
        mailbox: Mailbox,
        effect: Effect,
        group: Sequence[OpenEffect],
        round_: Round,
        results: list[EffectResult],
    ) -> list[OpenEffect]:
        """Do these and add what came of them to `results`; those that stay open."""
        reason = "the server did not do it, and did not say why"
        try:
            before = await extent_before(mailbox, effect, group)
            ids = [each.id for each in group]
            round_.begun.update(ids)
            count = partial(self.store.begin_effects, before=before)
            await self.attempts.begin(ids, count)
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


async def _do(
    mailbox: Mailbox,
    effect: Effect,
    group: Sequence[OpenEffect],
    round_: Round,
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
