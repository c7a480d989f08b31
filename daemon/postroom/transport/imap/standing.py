"""How mailboxes stand that are not selected, by STATUS (RFC 3501, section 6.3.10)."""

from __future__ import annotations

from collections.abc import Mapping

from postroom.errors import AbsentMailbox, PermanentError, RefusedForNow
from postroom.ports import Extent, Standing
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.directory import Target
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.names import to_octets
from postroom.transport.imap.responses import statuses
from postroom.transport.imap.tokens import Value, number, uid_or_none, uidvalidity
from postroom.transport.imap.wire import string

_STANDING = b"(UIDVALIDITY UIDNEXT MESSAGES)"
_EXTENT = b"(UIDVALIDITY UIDNEXT)"

_ABSENT = Extent(None, 1)


async def standing_of(connection: Connection, target: Target) -> Standing | None:
    """How a mailbox stands; None where the server can't tell."""
    try:
        exchange = await connection.run("STATUS", string(target.encoded), _STANDING)
    except PermanentError:
        return None  # opening it tells why
    with connection.reading():
        items = _told(connection, target, exchange)
        uidnext = uid_or_none(items.get("UIDNEXT"))
        if uidnext is None or not {"UIDVALIDITY", "MESSAGES"} <= items.keys():
            return None
        validity = uidvalidity(items["UIDVALIDITY"])
        return Standing(validity, uidnext, number(items["MESSAGES"]))


async def extent_of(connection: Connection, target: Target) -> Extent | None:
    """How far the UIDs of a mailbox reach; None where the server does not tell."""
    try:
        exchange = await connection.directory.run("STATUS", target.name, _EXTENT)
    except AbsentMailbox:
        return _ABSENT
    except (PermanentError, RefusedForNow):
        return None
    with connection.reading():
        # By now the server's own name for it may be known.
        target = connection.directory.target(target.name)
        items = _told(connection, target, exchange)
        uidnext = uid_or_none(items.get("UIDNEXT"))
        if uidnext is None or "UIDVALIDITY" not in items:
            return None
        return Extent(uidvalidity(items["UIDVALIDITY"]), uidnext)


def _told(
    connection: Connection, target: Target, exchange: Exchange
) -> Mapping[str, Value]:
    """What the server told of this mailbox, in whatever spelling; the last counts."""
    to_user = connection.names.to_user
    called = to_user(to_octets(target.encoded))
    told = statuses(exchange.frames)
    found = [items for name, items in told if to_user(name) == called]
    return found[-1] if found else {}
