"""Messages, made with as few words as possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADDRESS = "me@example.org"


def make_message(
    text: str | bytes | None = None,
    *,
    from_: str = "Ann <ann@example.org>",
    to: str = ADDRESS,
    subject: str = "Hello",
    body: str = "Hello.\n",
    headers: Mapping[str, str] | None = None,
    attachments: Mapping[str, bytes] | None = None,
    received: datetime = NOON,
    flags: Iterable[str] = (),
    account: str = "home",
    mailbox: str = "INBOX",
    uid: int = 1,
) -> Message:
    """A message as it arrives: from its whole `text`, or made of its parts.

    `headers` are fields besides From, To and Subject, or instead of them; `attachments`
    are octets by the names of their files.
    """
    if text is None:
        fields = {"From": from_, "To": to, "Subject": subject, **(headers or {})}
        raw = _compose(fields, body, attachments or {})
    else:
        raw = text.encode() if isinstance(text, str) else text
    key = MessageKey(account, mailbox, 1, uid)
    parts = len(raw), received, frozenset(flags), Header.parse(raw), raw
    return Message(key, *parts)


def _compose(
    fields: Mapping[str, str], body: str, attachments: Mapping[str, bytes]
) -> bytes:
    letter = EmailMessage(SMTP)
    for name, value in fields.items():
        letter[name] = value
    letter.set_content(body)
    for name, content in attachments.items():
        letter.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=name
        )
    return letter.as_bytes()
