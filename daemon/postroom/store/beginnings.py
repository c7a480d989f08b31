"""How an effect begins: planned; or held, or done already, and why.

Invariants: nothing of a message that is held goes out. What a perform needs is in the
store before anything may touch its source.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from postroom.mail.message import Message
from postroom.ports import EffectState
from postroom.rules.effects import Delete, Effect, Perform, Send
from postroom.store import content, windows

_HEADER_ONLY = "it needs the whole message, of which only the header was read"


@dataclass(frozen=True)
class Origin:
    """The message that an effect is of, its account, and why it is held, if it is."""

    account_id: int
    message: Message
    held: str


def begin(
    connection: Connection, origin: Origin, planned: Effect, now: datetime
) -> dict[str, object]:
    """The columns of the effect's row that tell how it begins."""
    state, detail = EffectState.PLANNED, ""
    if why := _held_because(origin, planned):
        state, detail = EffectState.HELD, why
    elif isinstance(planned, Send):
        detail = windows.take(connection, origin.account_id, planned.window, now)
        state = EffectState.DONE if detail else EffectState.PLANNED
    kept = _keep(connection, origin, planned, now)
    return {"state": state, "detail": detail, "content_hash": kept}


def _held_because(origin: Origin, planned: Effect) -> str:
    match planned:
        case Delete(forever=False):
            return "it was not known which mailbox is the Trash"
        case Send() if not planned.outgoing.envelope.recipients:
            return "it has no recipient"
        case Perform(needs_bytes=True) if origin.message.content is None:
            return _HEADER_ONLY
        case Send() | Perform():
            return origin.held
    return ""


def _keep(
    connection: Connection, origin: Origin, planned: Effect, now: datetime
) -> str | None:
    """The hash of the octets that are kept for it, if it needs them and has them."""
    octets = origin.message.content
    if isinstance(planned, Perform) and planned.needs_bytes and octets is not None:
        return content.keep(connection, octets, now)
    return None
