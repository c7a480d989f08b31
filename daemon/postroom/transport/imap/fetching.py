"""Whose data it is that FETCH brings: in doubt nobody's, and the connection ends.

A message's content never changes (RFC 3501, section 2.3.1.1); flags do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from postroom.errors import TemporaryError
from postroom.transport.imap.framing import Frame
from postroom.transport.imap.responses import fetch_number, removed_by
from postroom.transport.imap.tokens import Value, pairs, read, unique_number

Items = dict[str, Value]

# All that is ever asked for; a server may tell of anything else as much as it likes.
_ASKED = {
    *("UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    *("BODY[]", "BODY[]<0>", "BODY[HEADER]", "BODY[HEADER]<0>"),
}


def fetched(frames: Iterable[Frame]) -> dict[int, Items]:
    """The items of each message by UID, as far as such are ever asked for; what came
    without a UID was not.

    Raises `TemporaryError` where one message has two UIDs or two contents.
    """
    messages: dict[int, Items] = {}
    uids: dict[int, int] = {}  # by sequence number
    for frame in frames:
        if removed_by(frame):
            uids.clear()  # RFC 3501, section 7.4.1: the numbers above it are shifted
        if (sequence := fetch_number(frame)) is None:
            continue
        items = _items(read(frame))
        if "UID" in items:
            uid = unique_number(items["UID"])
            if uids.setdefault(sequence, uid) != uid:
                raise TemporaryError("the server gave one message two UIDs")
            merge(messages, uid, items)
    return messages


def merge(messages: dict[int, Items], uid: int, items: Mapping[str, Value]) -> None:
    """Add what was told of a message to what is known of it."""
    known = messages.setdefault(uid, {})
    for name, value in items.items():
        _add(known, name, value)


def _items(values: Sequence[Value]) -> Items:
    told = values[2] if len(values) == 3 else None
    if not isinstance(told, tuple):
        raise TemporaryError("the server sent what is not the data of a message")
    items: Items = {}
    for name, value in pairs(told):
        if name in _ASKED:
            _add(items, name, value)
    return items


def _add(items: Items, name: str, value: Value) -> None:
    if name == "UID" or name.startswith("BODY["):
        known = items.get(name)
        if value is None and known is not None:
            return
        if known is not None and known != value:
            raise TemporaryError(f"the server told two things of one message: {name}")
    items[name] = value
