"""The mail of the playground: what is delivered, and where each message must end."""

from __future__ import annotations

from dataclasses import dataclass, field

from postroom.commands.demo import letters

OWNER = "demo@postroom.example"
BOOKS = "books@example.com"

SEEN = frozenset({"\\Seen"})
FLAGGED = frozenset({"\\Flagged"})


@dataclass(frozen=True)
class Sample:
    """One message, and what the sample rules must make of it."""

    name: str
    raw: bytes = field(repr=False)
    mailbox: str = "INBOX"
    flags: frozenset[str] = frozenset()
    forwarded_to: tuple[str, ...] = ()


SAMPLES = (
    Sample("a newsletter", letters.NEWSLETTER, "Newsletters", SEEN),
    Sample("an invoice", letters.INVOICE, "Invoices", forwarded_to=(BOOKS,)),
    Sample("a mailing-list post", letters.LIST_POST, "Lists"),
    Sample("a colleague", letters.COLLEAGUE, "INBOX", FLAGGED),
    Sample("a bounce", letters.BOUNCE, "Bounces"),
    Sample("an auto-reply", letters.AUTO_REPLY, "Auto-replies", SEEN),
    Sample("a forgery", letters.FORGERY, "Suspicious"),
    Sample("a broken message", letters.BROKEN),
    Sample("an injected header", letters.INJECTION, "Invoices", forwarded_to=(BOOKS,)),
    Sample("accents", letters.FRENCH, "Meetings"),
    Sample("a large header", letters.LARGE_HEADER),
    Sample("an alert", letters.ALERT, "Alerts", FLAGGED),
    Sample("a receipt", letters.RECEIPT, "Receipts", SEEN),
    Sample("spam", letters.SPAM, "Trash"),
)
