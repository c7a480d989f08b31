"""What is refused before the server is asked, because it could not go as it is.

An address that could be read as something else, a line end that could end the message
for one server and not for the next (SMTP smuggling), octets the server does not take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from postroom.mail.envelope import Outgoing
from postroom.ports import DeliveryState, Receipt
from postroom.transport.smtp.content import pieces
from postroom.transport.smtp.session import Session

_LONGEST_PATH = 254  # RFC 5321, section 4.5.3.1.3: 256 with its angle brackets


async def refusals(
    outgoing: Outgoing, recipients: Sequence[str], session: Session
) -> dict[str, Receipt]:
    """A receipt for each recipient this message can't be sent to, with the reason."""
    reason = await _why_to_nobody(outgoing, session)
    reasons = {
        recipient: reason or _why_not_address(recipient, session)
        for recipient in recipients
    }
    return {
        recipient: Receipt(DeliveryState.FAILED, 0, f"not sent: {why}")
        for recipient, why in reasons.items()
        if why
    }


async def _why_to_nobody(outgoing: Outgoing, session: Session) -> str:
    sender = outgoing.envelope.sender
    why = _why_not_address(sender, session) if sender is not None else ""
    return (
        why
        or _why_not_size(len(outgoing.content), session)
        or await _why_not_octets(outgoing.content, session)
    )


def _why_not_address(address: str, session: Session) -> str:
    if not _is_safe(address):
        return f"{address!a} is no address that SMTP can carry"
    if not address.isascii() and not session.offers("smtputf8"):
        return f"{address!r} needs SMTPUTF8, which the server does not offer"
    return ""


def _is_safe(address: str) -> bool:
    """True if the address can be read in one way only, and stays on its line."""
    local_part, _, domain = address.rpartition("@")
    return (
        bool(local_part and domain)
        and not address.startswith("@")
        and address.isprintable()
        and not set(" <>") & set(address)
        and len(address.encode()) <= _LONGEST_PATH
    )


def _why_not_size(size: int, session: Session) -> str:
    most = session.largest_message
    if most is None or size <= most:
        return ""
    return f"the message has {size} octets, the server takes {most} at most (SIZE)"


async def _why_not_octets(content: bytes, session: Session) -> str:
    if not content.isascii() and not session.offers("8bitmime"):
        return (
            "the message has 8-bit text, and the server does not offer 8BITMIME; have "
            "the account send by one that does (`postroom check --connect` tells)"
        )
    if not content.endswith(b"\r\n"):
        return "the message does not end with CRLF"
    for piece in pieces(content):
        if not piece.count(b"\r\n") == piece.count(b"\r") == piece.count(b"\n"):
            return "the message has a CR or LF that stands alone"
        # Fifty megabytes must not keep the event loop to themselves.
        await asyncio.sleep(0)
    return ""
