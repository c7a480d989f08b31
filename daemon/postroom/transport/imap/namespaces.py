"""How a server names mailboxes, asked once after the login."""

from __future__ import annotations

from dataclasses import replace

from postroom.transport.imap import responses
from postroom.transport.imap.dialogue import Dialogue
from postroom.transport.imap.names import Names


async def ask_names(dialogue: Dialogue) -> Names:
    """Prefixes and delimiter by NAMESPACE (RFC 2342) or LIST; UTF-8 if it must be."""
    found = None
    utf8 = "UTF8=ONLY" in dialogue.capabilities
    if utf8:
        # RFC 6855, section 6: it refuses whoever does not say so.
        await dialogue.run("ENABLE", b"UTF8=ACCEPT")
    if "NAMESPACE" in dialogue.capabilities:
        exchange = await dialogue.run("NAMESPACE")
        with dialogue.reading():
            found = responses.namespaces(exchange.frames)
    return replace(found or Names(await _ask_delimiter(dialogue)), utf8=utf8)


async def _ask_delimiter(dialogue: Dialogue) -> str | None:
    # RFC 3501, section 6.3.8: an empty name asks for the delimiter alone.
    exchange = await dialogue.run("LIST", b'""', b'""')
    with dialogue.reading():
        mailboxes = responses.listed(exchange.frames)
    return mailboxes[0].delimiter if mailboxes else None
