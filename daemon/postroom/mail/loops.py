"""Mail that goes round in circles: postroom's trace of what it sent, and the guard."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from postroom.mail.header import Header

TRACE_FIELD = "X-Postroom-Trace"
MOST_HOPS = 5
# Postfix gives up at 50 (hopcount_limit); RFC 5321, section 6.3 asks servers for 100.
MOST_RECEIVED = 50

_HOP = re.compile(r"v1; a=([0-9a-f]{16})\Z")


@dataclass(frozen=True)
class Hop:
    """One forwarding by a postroom: which account's, by a digest of its address."""

    account: str

    @classmethod
    def of(cls, address: str) -> Hop:
        """The hop of the account with this address."""
        return cls(hashlib.sha256(address.lower().encode()).hexdigest()[:16])

    def __str__(self) -> str:
        return f"v1; a={self.account}"


def read_hops(header: Header) -> tuple[Hop, ...]:
    """The hops that the trace fields of a message tell of."""
    values = (_HOP.match(entry.raw_text) for entry in header.all(TRACE_FIELD))
    return tuple(Hop(match[1]) for match in values if match)


def why_not_forward(header: Header, address: str) -> str:
    """Why this must not be forwarded for the owner of `address`; empty if it may be."""
    hops = read_hops(header)
    if Hop.of(address) in hops:
        return "this account has forwarded it before"
    if len(hops) >= MOST_HOPS:
        return f"it was forwarded {len(hops)} times"
    if len(header.all("Received")) > MOST_RECEIVED:
        return f"it has more than {MOST_RECEIVED} Received fields"
    return "it is a bounce" if _is_bounce(header) else ""


def _is_bounce(header: Header) -> bool:
    """A bounce that is forwarded to where it bounces from comes back for ever."""
    media_type = header.raw_text("Content-Type").partition(";")[0].strip().lower()
    return header.raw_text("Return-Path") == "<>" or media_type == "multipart/report"
