"""Doing what was planned on a mailbox: grouped, each group one command, by evidence.

Every effect is journaled before its command and its result after it, so that a crash
in between leaves something to verify, never something to guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from postroom.errors import AuthenticationError, PermanentError
from postroom.log import get_logger
from postroom.mail.message import MessageKey
from postroom.ports import (
    EffectResult,
    EffectState,
    Mailbox,
    OpenEffect,
    Placement,
    Store,
)
from postroom.rules.decide import tell
from postroom.rules.effects import (
    Copy,
    Delete,
    Effect,
    FileInto,
    Perform,
    Send,
    SetFlags,
)
from postroom.service.events import EffectFinished, Observer

log = get_logger()

# Flags first, while the message still has the name it is known by; then copies, then
# the one place.
_ORDER: tuple[type[Effect], ...] = (SetFlags, Copy, FileInto, Delete)
_GONE = "the message was no longer there"


@dataclass(frozen=True)
class Effector:
    """Applies the open effects of mailboxes."""

    store: Store
    observer: Observer

    async def apply(self, mailbox: Mailbox, account: str) -> None:
        """Do every effect that is open on this mailbox.

        Raises `TemporaryError` when the connection fails; what was done till then is
        recorded, the rest stays open.
        """
        name, uidvalidity = mailbox.name, mailbox.uidvalidity
        while effects := await self.store.open_effects(account, name, uidvalidity):
            results: list[EffectResult] = []
            try:
                for effect, group in _group(effects):
                    await self.store.begin_effects([each.id for each in group])
                    results += await _do(mailbox, effect, group)
            finally:
                await self.store.finish_effects(results)
            await self.store.mark_gone(list(_missing(effects, results)))
            self._tell(effects, results)

    def _tell(
        self, effects: Sequence[OpenEffect], results: Sequence[EffectResult]
    ) -> None:
        by_id = {effect.id: effect for effect in effects}
        for result in results:
            effect = by_id[result.id]
            self.observer(EffectFinished(effect, result.state, result.detail))
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
    mailbox: Mailbox, effect: Effect, group: Sequence[OpenEffect]
) -> list[EffectResult]:
    uids = [member.message.uid for member in group]
    try:
        placed = await _command(mailbox, effect, uids)
    except AuthenticationError:
        raise
    except PermanentError as error:
        return [EffectResult(each.id, EffectState.HELD, str(error)) for each in group]
    return [_conclude(each, placed) for each in group]


async def _command(
    mailbox: Mailbox, effect: Effect, uids: Sequence[int]
) -> Mapping[int, Placement | None]:
    """One command for all of them; which were there, and where they went."""
    match effect:
        case SetFlags():
            return dict.fromkeys(await mailbox.set_flags(uids, effect))
        case Copy(target):
            return await mailbox.copy(uids, target)
        case FileInto(target):
            return await mailbox.move(uids, target)
        case Delete():
            # To Trash is a move by now: only what is to go for good is left.
            return dict.fromkeys(await mailbox.expunge(uids))
        case Send() | Perform():
            raise AssertionError(f"no effect on a mailbox: {tell(effect)}")


def _conclude(
    effect: OpenEffect, placed: Mapping[int, Placement | None]
) -> EffectResult:
    uid = effect.message.uid
    if uid in placed:
        return EffectResult(effect.id, EffectState.DONE, placement=placed[uid])
    leaves = isinstance(effect.effect, (FileInto, Delete))
    if leaves and effect.attempted:
        # The answer to the first attempt was lost, and its work was done.
        return EffectResult(effect.id, EffectState.DONE, "done before a break")
    return EffectResult(effect.id, EffectState.FAILED, _GONE)


def _missing(
    effects: Sequence[OpenEffect], results: Sequence[EffectResult]
) -> Iterator[MessageKey]:
    gone = {result.id for result in results if result.detail == _GONE}
    return (effect.message for effect in effects if effect.id in gone)
