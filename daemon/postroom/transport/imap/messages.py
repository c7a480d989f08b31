"""What FETCH tells of messages, made into messages: headers in one command, no body."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.transport.imap.filing import Filing
from postroom.transport.imap.responses import internal_date
from postroom.transport.imap.tokens import Value, number, text, words

# A thousand headers are fetched at a time: of one that is longer only the beginning, so
# that strangers can't fill the memory. One octet more tells which are.
_LONG = 32 * 1024
_HEADERS = b"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER]<0.%d>)" % (_LONG + 1)


@dataclass(frozen=True)
class Place:
    """A mailbox as messages are named after it."""

    account: str
    mailbox: str
    uidvalidity: int

    def message(self, uid: int, items: Mapping[str, Value]) -> Message:
        """The message that these items tell of, as far as they do."""
        header = section(items, "BODY[HEADER]") or b""
        size = items.get("RFC822.SIZE")
        return Message(
            key=MessageKey(self.account, self.mailbox, self.uidvalidity, uid),
            size=len(header) if size is None else number(size),
            received=internal_date(items.get("INTERNALDATE")),
            flags=_flags(items),
            header=Header.parse(header[:_LONG]),
            excerpt=len(header) > _LONG,
        )


async def headers(filing: Filing, place: Place, uids: Collection[int]) -> list[Message]:
    """These messages of the selected mailbox, ascending; left out is what is gone, and
    that of which the server gives no header: with an empty one it would be another."""
    found = await filing.fetch(uids, _HEADERS)
    with filing.reading():
        return [
            place.message(uid, items)
            for uid, items in found.items()
            if section(items, "BODY[HEADER]") is not None
        ]


def section(items: Mapping[str, Value], name: str) -> bytes | None:
    """The octets of a section; the server adds `<0>` to what was asked for in part."""
    value = items.get(name, items.get(f"{name}<0>"))
    return value if isinstance(value, bytes) else None


def _flags(items: Mapping[str, Value]) -> frozenset[str]:
    flags = map(text, words(items.get("FLAGS")))
    # RFC 3501, section 2.3.2: \Recent tells of sessions, not of the message.
    return frozenset(flag for flag in flags if flag.lower() != "\\recent")
