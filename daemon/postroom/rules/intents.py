"""What an action wants sent, before it is composed or refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Forward:
    """Pass the message on inside a new one from the owner.

    It becomes a `Send`, or a refusal that the trace tells of: mail that goes round in
    circles and bounces are not forwarded.
    """

    to: tuple[str, ...]


Intent = Forward
