"""Copies and moves that a break left: what they were begun on, and what they left.

Invariant: nothing is taken for a copy that may have been in its target before. Where
that can't be told there is one copy more rather than a message less, and it is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postroom.errors import PermanentError
from postroom.log import get_logger
from postroom.ports import (
    EffectResult,
    EffectState,
    Extent,
    Halfway,
    Mailbox,
    OpenEffect,
    Placement,
    Resumed,
)
from postroom.rules.effects import Copy, Effect, FileInto, tell

log = get_logger()

BEFORE = "done before a break"
PERHAPS_TWICE = (
    "done after a break, and perhaps before it as well: there may be two copies"
)


async def extent_before(
    mailbox: Mailbox, effect: Effect, group: Sequence[OpenEffect]
) -> Extent | None:
    """How far the UIDs of these effects' target reach, where that is to be noted."""
    match effect:
        case Copy(target) | FileInto(target) if any(not each.before for each in group):
            return await mailbox.extent(target, move=isinstance(effect, FileInto))
        case _:
            return None


async def look_back(
    mailbox: Mailbox, effect: Effect, group: Sequence[OpenEffect]
) -> tuple[list[EffectResult], frozenset[int]]:
    """The results of those of which a copy was made before a break, no second one being
    wanted; and the effects of which nobody can tell."""
    match effect:
        case Copy(target) | FileInto(target):
            begun = [each for each in group if each.attempted]
            noted = {each.message.uid: each.before for each in begun}
        case _:
            return [], frozenset()
    found = Resumed()
    if noted:
        found = await _resume(mailbox, noted, target, isinstance(effect, FileInto))
    results = [
        EffectResult(each.id, EffectState.DONE, BEFORE, found.copies[each.message.uid])
        for each in begun
        if each.message.uid in found.copies
    ]
    doubtful = (each.id for each in begun if each.message.uid in found.doubtful)
    return results, frozenset(doubtful)


def tell_repeated(effect: OpenEffect) -> None:
    """Log that there may be a copy too many."""
    log.warning(
        "effect_perhaps_repeated",
        account=effect.message.account,
        mailbox=effect.message.mailbox,
        uid=effect.message.uid,
        rule=effect.rule,
        effect=tell(effect.effect),
        detail=PERHAPS_TWICE,
    )


async def _resume(
    mailbox: Mailbox, noted: Mapping[int, Extent | None], target: str, move: bool
) -> Resumed:
    try:
        return await mailbox.resume(noted, target, move=move)
    except Halfway:
        raise
    except PermanentError as error:
        # They may be there: their target's watcher must go on knowing them.
        raise Halfway(str(error), dict.fromkeys(noted, Placement(target))) from error
