"""Mail that goes round in circles: postroom's trace of what it sent, and the guard."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from postroom.mail.header import Header
from postroom.mail.returnpath import is_bounce

TRACE_FIELD = "X-Postroom-Trace"
MOST_HOPS = 5
# Postfix gives up at 50 (hopcount_limit); RFC 5321, section 6.3 asks servers for 100.
MOST_RECEIVED = 50

_HOP = re.compile(r"v1; a=([0-9a-f]{16})\Z")


@dataclass(frozen=True)
class Hop:
    """One sending by a postroom: which account's, by a digest of its address."""

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


def trace_fields(header: Header, address: str) -> list[tuple[str, str]]:
    """The trace for a new message about this one, for the owner of `address`."""
    hops = (*read_hops(header), Hop.of(address))
    return [(TRACE_FIELD, str(hop)) for hop in hops]


def why_not_forward(header: Header, address: str) -> str:
    """Why this must not be forwarded for the owner of `address`; empty if it may be."""
    hops = read_hops(header)
    if Hop.of(address) in hops:
        return "this account has forwarded it before"
    if len(hops) >= MOST_HOPS:
        return f"it was forwarded {len(hops)} times"
    if len(header.all("Received")) > MOST_RECEIVED:
        return f"it has more than {MOST_RECEIVED} Received fields"
    # A bounce that is sent to where it bounces from comes back for ever.
    return "it is a bounce" if is_bounce(header) else ""
