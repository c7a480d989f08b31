"""Answering: one short message to the sender, marked as made by a machine."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from postroom.mail.addresses import Address
from postroom.mail.charset import one_line
from postroom.mail.envelope import Envelope, Outgoing, Retry
from postroom.mail.loops import trace_fields
from postroom.mail.message import Message
from postroom.mail.messageids import make_message_id, thread_fields
from postroom.mail.owner import Owner
from postroom.mail.returnpath import read_return_path
from postroom.mail.writing import (
    SUBJECT_CHARACTERS,
    encode_text,
    write_address,
    write_header,
    write_text,
)


def compose_reply(
    message: Message,
    text: str,
    subject: str | None,
    owner: Owner,
    key: str,
    now: datetime,
) -> Outgoing:
    """The answer (RFC 3834) to a message that may have one: see `why_not_reply`.

    Without a `subject` it has that of the message, behind `Auto:`. Nothing else of the
    message is in it.
    """
    to = read_return_path(message.header)
    message_id = make_message_id(key, owner.address)
    title = f"Auto: {one_line(message.subject)}" if subject is None else subject
    header = write_header(
        [
            ("From", write_address(Address(owner.name, owner.address))),
            ("To", write_address(Address("", to))),
            ("Subject", encode_text(title[:SUBJECT_CHARACTERS].strip())),
            ("Date", format_datetime(now)),
            ("Message-ID", message_id),
            *thread_fields(message.header),
            *_marks(message, owner),
            ("MIME-Version", "1.0"),
        ]
    )
    content = header + write_text("".join(f"{line}\r\n" for line in text.splitlines()))
    # RFC 3834, section 3.3 allows `<>` as well, but many submission servers refuse it.
    # What comes back to the owner's address is a bounce, which nothing here answers.
    envelope = Envelope(owner.address, (to,))
    relay = owner.relay or owner.account
    return Outgoing(relay, envelope, content, message_id, Retry.AT_MOST_ONCE)


def _marks(message: Message, owner: Owner) -> list[tuple[str, str]]:
    """What keeps other machines from answering this."""
    return [
        ("Auto-Submitted", "auto-replied"),  # RFC 3834, section 3.1.7
        ("X-Auto-Response-Suppress", "All"),  # what Exchange asks for
        ("Precedence", "bulk"),  # RFC 3834, section 3.1.8, for those older than it
        *trace_fields(message.header, owner.address),
    ]
