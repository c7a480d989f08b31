"""A message on its server: its name, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from postroom.errors import PostroomError
from postroom.mail.attachments import attachment_names
from postroom.mail.body import read_text
from postroom.mail.header import Header
from postroom.mail.machines import why_automatic
from postroom.mail.returnpath import is_bounce


class Depth(StrEnum):
    """How much of a message is needed to decide something about it."""

    HEADERS = "headers"
    FULL = "full"


class DepthError(PostroomError):
    """`raw` or `text` was read of a message of which only the headers are there."""


@dataclass(frozen=True, order=True)
class MessageKey:
    """The name of a message on its server (RFC 3501, section 2.3.1.1)."""

    account: str
    mailbox: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True)
class Fingerprint:
    """What recognises a message again when its key is void or it has been moved."""

    message_id: str
    size: int
    received: datetime


@dataclass(frozen=True)
class Message:
    """One message: `size` in octets, `received` the server's INTERNALDATE (aware).

    `content` holds all of its octets at depth full, and is None at depth headers. An
    `excerpt` has only the beginning of a header that is very long. `facts` are what
    conditions gathered, and `ungathered` what they failed to, by the condition's `id`.
    `now` is the time of the decision, and `delimiter` what stands between the levels of
    mailboxes on the message's server.
    """

    key: MessageKey
    size: int
    received: datetime
    flags: frozenset[str]
    header: Header
    content: bytes | None = field(default=None, repr=False)
    facts: dict[str, object] = field(default_factory=dict)
    excerpt: bool = False
    ungathered: Mapping[int, PostroomError] = field(default_factory=dict)
    now: datetime | None = None
    delimiter: str | None = "/"

    @property
    def depth(self) -> Depth:
        """How much of the message is here."""
        return Depth.HEADERS if self.content is None else Depth.FULL

    @property
    def raw(self) -> bytes:
        """The message's octets as they came; raises `DepthError` at depth headers."""
        if self.content is None:
            raise DepthError(
                "it reads the body of a message, but declares depth = 'headers'"
            )
        return self.content

    @cached_property
    def text(self) -> str:
        """The readable text of the body; raises `DepthError` at depth headers."""
        return read_text(self.raw)

    @cached_property
    def attachments(self) -> tuple[str, ...]:
        """The file names of the attachments; raises `DepthError` at depth headers."""
        return attachment_names(self.raw)

    @cached_property
    def automatic(self) -> str:
        """What tells that a machine has sent it; empty if nothing does."""
        return why_automatic(self.header)

    @cached_property
    def is_bounce(self) -> bool:
        """True if a server says with it what became of other mail."""
        return is_bounce(self.header)

    @property
    def age(self) -> timedelta:
        """How long ago it arrived, by the time of the decision."""
        return (self.now or self.received) - self.received

    @property
    def subject(self) -> str:
        """The decoded subject; empty where there is none."""
        return self.header.text("Subject")

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets: a hint, no identity; may be empty."""
        return self.header.raw_text("Message-ID")

    @property
    def fingerprint(self) -> Fingerprint:
        """What recognises the message elsewhere, or after a reset of its UIDs."""
        return Fingerprint(self.message_id, self.size, self.received)

    def at_full_depth(self, content: bytes) -> Message:
        """The same message with its octets."""
        header = Header.parse(content) if self.excerpt else self.header
        return replace(self, content=content, header=header, excerpt=False)
