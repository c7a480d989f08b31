"""Forwarding: a new message from the owner with the original inside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from postroom.mail.addresses import Address, is_address
from postroom.mail.envelope import Envelope, Outgoing
from postroom.mail.loops import fit_targets, trace_fields
from postroom.mail.message import Message
from postroom.mail.messageids import make_message_id
from postroom.mail.owner import Owner
from postroom.mail.travel import why_not_travel
from postroom.mail.writing import (
    SUBJECT_CHARACTERS,
    encode_text,
    make_boundary,
    to_base64,
    write_address,
    write_header,
    write_text,
)


def compose_forward(
    message: Message, to: Sequence[str], owner: Owner, key: str, now: datetime
) -> Outgoing:
    """A new message from the owner with the original inside, its octets unchanged.

    The original is a message/rfc822 part (RFC 2046, section 5.2.1), or where it could
    not travel as it is, an attachment `original.eml`. It goes to those of `to` to whom
    it does not go in a circle: see `why_not_pass_on`.
    """
    to = fit_targets(message.header, owner, to)
    message_id = make_message_id(key, owner.address)
    header = write_header(_forward_fields(message, to, owner, message_id, now))
    boundary = make_boundary(key, message.raw)
    content = b"".join(
        [
            header,
            b'Content-Type: multipart/mixed;\r\n boundary="%s"\r\n\r\n' % boundary,
            b"--%s\r\n" % boundary,
            _summarise(message, owner),
            b"\r\n--%s\r\n" % boundary,
            _enclose(message.raw),
            b"\r\n--%s--\r\n" % boundary,
        ]
    )
    envelope = Envelope(owner.address, tuple(to))
    return Outgoing(owner.relay or owner.account, envelope, content, message_id)


def _forward_fields(
    message: Message, to: Sequence[str], owner: Owner, message_id: str, now: datetime
) -> list[tuple[str, str]]:
    subject = f"Fwd: {message.subject[:SUBJECT_CHARACTERS]}".strip()
    fields = [
        ("From", write_address(Address(owner.name, owner.address))),
        ("To", ", ".join(write_address(Address("", address)) for address in to)),
        ("Subject", encode_text(subject)),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834, section 5
        *trace_fields(message.header, owner.address),
        ("MIME-Version", "1.0"),
    ]
    authors = message.header.addresses("Reply-To") or message.header.addresses("From")
    fit = [author for author in authors[:1] if is_address(author.address)]
    return [*fields, *(("Reply-To", write_address(author)) for author in fit)]


def _summarise(message: Message, owner: Owner) -> bytes:
    """The part that a person reads: who wrote, about what, and when it came."""
    lines = [
        f"postroom forwards this message for {owner.address}.",
        "",
        f"From:     {message.header.text('From')[:SUBJECT_CHARACTERS]}",
        f"Subject:  {message.subject[:SUBJECT_CHARACTERS]}",
        f"Received: {format_datetime(message.received)}",
    ]
    text = "".join(f"{line}\r\n" for line in lines)
    return write_text(text)


def _enclose(original: bytes) -> bytes:
    if why_not_travel(original):
        return (
            b'Content-Type: application/octet-stream; name="original.eml"\r\n'
            b'Content-Disposition: attachment; filename="original.eml"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n" + to_base64(original)
        )
    encoding = b"7bit" if original.isascii() else b"8bit"
    return (
        b"Content-Type: message/rfc822\r\n"
        b"Content-Disposition: inline\r\n"
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + original
    )
