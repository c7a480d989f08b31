"""Effects and traces as JSON: an explicit form for each kind, for people to read.

Invariant: what is written here can be read by every later version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from postroom.errors import StoreError
from postroom.mail.envelope import Outgoing
from postroom.rules.effects import (
    Copy,
    Delete,
    Effect,
    FileInto,
    Perform,
    Send,
    SetFlags,
    Window,
)
from postroom.rules.plan import ConditionTrace, RuleTrace
from postroom.store.kinds import EffectKind


def kind_of(effect: Effect) -> EffectKind:
    """The store's name for what the effect does."""
    match effect:
        case SetFlags():
            return EffectKind.FLAGS
        case Copy():
            return EffectKind.COPY
        case FileInto():
            return EffectKind.MOVE
        case Delete(forever=forever):
            return EffectKind.EXPUNGE if forever else EffectKind.TRASH
        case Send():
            return EffectKind.SEND
        case Perform():
            return EffectKind.PERFORM


def encode_effect(effect: Effect) -> str:
    """The effect's arguments; of a message to be sent, all but its octets."""
    return _dump(_arguments(effect))


def _arguments(effect: Effect) -> Mapping[str, object]:
    match effect:
        case SetFlags(add=add, remove=remove):
            return {"add": sorted(add), "remove": sorted(remove)}
        case Copy(mailbox=mailbox) | FileInto(mailbox=mailbox):
            return {"mailbox": mailbox}
        case Delete():
            return {}
        case Send(outgoing=outgoing, window=window):
            return {**_outgoing(outgoing), **_window(window)}
        case Perform():
            return asdict(effect)


def _outgoing(outgoing: Outgoing) -> Mapping[str, object]:
    return {
        "relay": outgoing.relay,
        "sender": outgoing.envelope.sender,
        "recipients": outgoing.envelope.recipients,
        "message_id": outgoing.message_id,
    }


def _window(window: Window | None) -> Mapping[str, object]:
    if window is None:
        return {}
    seconds = {"period": window.period.total_seconds()}
    return {"window": {"handle": window.handle, "address": window.address, **seconds}}


def decode_window(arguments: str) -> Window | None:
    """The window that an effect sends within, if it sends, and within one."""
    given = json.loads(arguments).get("window")
    if given is None:
        return None
    return Window(**given | {"period": timedelta(seconds=given["period"])})


def decode_effect(kind: str, arguments: str) -> Effect:
    """The effect as it was planned; a message to be sent is read from the outbox."""
    given = json.loads(arguments)
    match EffectKind(kind):
        case EffectKind.FLAGS:
            return SetFlags(frozenset(given["add"]), frozenset(given["remove"]))
        case EffectKind.COPY:
            return Copy(given["mailbox"])
        case EffectKind.MOVE:
            return FileInto(given["mailbox"])
        case EffectKind.TRASH:
            return Delete()
        case EffectKind.EXPUNGE:
            return Delete(forever=True)
        case EffectKind.PERFORM:
            return Perform(**given)  # of older stores without `options`
        case EffectKind.SEND:
            raise StoreError("a message to be sent is read from the outbox")


def encode_flags(flags: Iterable[str]) -> str:
    """The flags in a fixed order."""
    return _dump(sorted(flags))


def encode_trace(trace: Iterable[RuleTrace], passed_over: int) -> str:
    """Why a message was decided as it was, and how many rules were not asked."""
    rules = [_rule(entry) for entry in trace]
    return _dump({"rules": rules, "passed_over": passed_over})


def _rule(entry: RuleTrace) -> Mapping[str, object]:
    return {
        "rule": entry.rule,
        "matched": entry.matched,
        "conditions": [_condition(asked) for asked in entry.conditions],
        "effects": entry.effects,
        "note": entry.note,
    }


def _condition(asked: ConditionTrace) -> Mapping[str, object]:
    return {"condition": asked.condition, "holds": asked.holds, "seen": asked.seen}


def decode_trace(text: str) -> tuple[tuple[RuleTrace, ...], int]:
    """The trace as it was when the message was decided, and how many rules were not
    asked: none in an older store, where it is a list."""
    told = json.loads(text)
    if isinstance(told, list):
        told = {"rules": told, "passed_over": 0}
    rules = tuple(_read_rule(entry) for entry in told["rules"])
    return rules, told["passed_over"]


def _read_rule(entry: Mapping[str, Any]) -> RuleTrace:
    return RuleTrace(
        rule=entry["rule"],
        matched=entry["matched"],
        conditions=tuple(ConditionTrace(**asked) for asked in entry["conditions"]),
        effects=tuple(entry["effects"]),
        note=entry["note"],
    )


_dump = json.JSONEncoder(separators=(",", ":")).encode
