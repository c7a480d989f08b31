"""The key under which an effect happens once, whatever is repeated."""

from __future__ import annotations

import hashlib

from postroom.mail.message import Message
from postroom.rules.effects import Effect, Perform, tell
from postroom.rules.intents import Forward, Intent, Redirect, Reply


def make_key(message: Message, rule: str, ordinal: int, wanted: Effect | Intent) -> str:
    """A digest of who, why, which and where; each part with its length before it."""
    key, mark = message.key, message.fingerprint
    # A UID may come to mean another message.
    who = (key.account, key.mailbox, key.uidvalidity, key.uid)
    which = (mark.message_id, mark.size, mark.received.timestamp())
    target = _target(wanted)
    parts = map(str, (*who, *which, rule, ordinal, type(wanted).__name__, target))
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _target(wanted: Effect | Intent) -> str:
    match wanted:
        case Forward(to) | Redirect(to):
            return ",".join(to)
        case Reply(handle=handle):
            return handle or ""
        case Perform(action=action):  # however it is told
            return f"perform {action}"
    return tell(wanted)
