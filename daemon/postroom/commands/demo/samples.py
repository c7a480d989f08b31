"""The mail of the playground: what is delivered, and where each message must end."""

from __future__ import annotations

from dataclasses import dataclass, field

from postroom.commands.demo import letters, popletters

# The names of the two accounts: IMAP, and POP3 with a Maildir.
HOME, ISP = "home", "isp"
TITLES = {
    HOME: "IMAP: told of each message, and leaves it on the server",
    ISP: "POP3: fetches each message into a Maildir on this machine",
}
OWNER = "demo@postroom.example"
ALIASES = ("office@postroom.example", "support@postroom.example")
ISP_OWNER = "demo@isp.example"
BOOKS = "books@example.com"
DEPUTY = "deputy@example.com"

SEEN = frozenset({"\\Seen"})
FLAGGED = frozenset({"\\Flagged"})


@dataclass(frozen=True)
class Sample:
    """One message, and what the sample rules must make of it."""

    name: str
    raw: bytes = field(repr=False)
    mailbox: str = "INBOX"
    flags: frozenset[str] = frozenset()
    sent_on_to: tuple[str, ...] = ()
    answered_to: tuple[str, ...] = ()
    account: str = HOME


SAMPLES = (
    Sample("a newsletter", letters.NEWSLETTER, "Newsletters", SEEN),
    Sample("an invoice", letters.INVOICE, "Invoices", sent_on_to=(BOOKS,)),
    Sample("a mailing-list post", letters.LIST_POST, "Lists/bees_lists_example"),
    Sample("a colleague", letters.COLLEAGUE, "INBOX", FLAGGED),
    Sample("a bounce", letters.BOUNCE, "Bounces"),
    Sample("an auto-reply", letters.AUTO_REPLY, "Auto-replies", SEEN),
    Sample("a forgery", letters.FORGERY, "Suspicious"),
    Sample("a broken message", letters.BROKEN),
    Sample("an injected header", letters.INJECTION, "Invoices", sent_on_to=(BOOKS,)),
    Sample("accents", letters.FRENCH, "Meetings"),
    Sample("a large header", letters.LARGE_HEADER),
    Sample("an alert", letters.ALERT, "Alerts", FLAGGED),
    Sample("a receipt", letters.RECEIPT, "Archive/Receipts", SEEN),
    Sample(
        "a question",
        letters.QUESTION,
        "Support",
        answered_to=("carla@elsewhere.example",),
    ),
    Sample("for the office", letters.OFFICE, sent_on_to=(DEPUTY,)),
    Sample("spam", letters.SPAM, "Trash"),
    Sample("an answer", popletters.ANSWER, "Lists/bees_lists_example", account=ISP),
    Sample(
        "a bill",
        popletters.ELECTRICITY,
        "Invoices",
        sent_on_to=(BOOKS,),
        account=ISP,
    ),
    Sample("an appeal", popletters.KETTLE, "INBOX", FLAGGED, account=ISP),
    Sample("a ticket", popletters.TICKET, "Archive/Receipts", SEEN, account=ISP),
    Sample("lines of dots", popletters.DOTS, account=ISP),
)
