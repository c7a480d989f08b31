"""SMTP's envelope, and a message that is to leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Envelope:
    """Sender and recipients (RFC 5321, section 2.3.1); a `sender` of None is `<>`."""

    sender: str | None
    recipients: tuple[str, ...]


class Retry(StrEnum):
    """What to do when a connection dies after the final dot: nobody can know more."""

    AT_LEAST_ONCE = "at-least-once"  # send the same bytes again
    AT_MOST_ONCE = "at-most-once"  # leave it unknown, and show it


@dataclass(frozen=True)
class Outgoing:
    """A message to be sent, fixed when it is decided: each retry is byte-identical.

    `relay` names the account whose submission server takes it. `content` ends every
    line with CRLF.
    """

    relay: str
    envelope: Envelope
    content: bytes = field(repr=False)
    message_id: str
    retry: Retry = Retry.AT_LEAST_ONCE
