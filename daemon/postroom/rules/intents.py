"""What an action wants sent, before it is composed or refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Forward:
    """Pass the message on inside a new one from the owner.

    It becomes a `Send`, or a refusal that the trace tells of: mail that goes round in
    circles and bounces are not forwarded.
    """

    to: tuple[str, ...]


@dataclass(frozen=True)
class Redirect:
    """Pass the message on as it is, behind `Resent-` fields (RFC 5322, section 3.6.6).

    It becomes a `Send`, or a refusal that the trace tells of.
    """

    to: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """Answer the sender (RFC 3834): to the Return-Path only, never a machine, and once
    in `period` for each `handle`, which is the rule's name where it is left out.

    It becomes a `Send`, or a refusal that the trace tells of. Without a `subject` it is
    that of the message, behind `Auto:`.
    """

    text: str
    subject: str | None = None
    period: timedelta = timedelta(days=7)
    handle: str | None = None


Intent = Forward | Redirect | Reply
