"""Messages found by Message-ID where the server keeps what was submitted to it."""

from __future__ import annotations

from collections.abc import Collection

from postroom.mail.message import Message
from postroom.ports import Placement
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.filing import Filing
from postroom.transport.imap.messages import Place, headers
from postroom.transport.imap.selection import selection
from postroom.transport.imap.specialuse import SENT
from postroom.transport.imap.wire import string

_FIELDS = ("Message-ID", "Resent-Message-ID")
# More that a search matches are not looked at: it matches parts of a field as well.
_MOST_ALIKE = 20


async def find_sent(
    connection: Connection, account: str, message_ids: Collection[str]
) -> dict[str, Placement] | None:
    """Where messages of these ids are in the \\Sent mailbox (RFC 6154); None where
    there is no such mailbox. It is only examined: nothing in it changes."""
    name = (await connection.directory.uses()).get(SENT.usual[0])
    if name is None:
        return None
    exchange = await connection.directory.run("EXAMINE", name)
    with connection.reading():
        place = Place(account, name, selection(exchange).uidvalidity)
    copies = {each: await _copy(connection, place, each) for each in message_ids}
    return {each: found for each, found in copies.items() if found}


async def _copy(
    connection: Connection, place: Place, message_id: str
) -> Placement | None:
    """The newest message with this id."""
    filing, quoted = Filing(connection), string(message_id)
    first, second = (b"HEADER " + each.encode() for each in _FIELDS)
    uids = await filing.search(b"OR " + first, quoted, second, quoted)
    newest = sorted(uids)[-_MOST_ALIKE:]
    same = [
        message
        for message in await headers(filing, place, newest)
        if _has_id(message, message_id)
    ]
    return (
        Placement(place.mailbox, place.uidvalidity, same[-1].key.uid) if same else None
    )


def _has_id(message: Message, message_id: str) -> bool:
    # RFC 3501, section 6.4.4: HEADER matches what merely contains it.
    fields = (field for name in _FIELDS for field in message.header.all(name))
    return any(field.raw_text.strip() == message_id for field in fields)
