"""What the rules of these tests must make of a message, said a second time."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from tests.servers.reading import Stored

RULES = """
[[rule]]
name = "lists"
when.list = "*"
then = [ { move = "Lists/python" }, { mark = "read" } ]

[[rule]]
name = "invoices"
when.subject = ["invoice", "/^rechnung [0-9]+$/"]
when.not.from = "@spam.example"
then = [ { forward = "books@kept.test" }, { move = "Rechnungen für 2026" } ]

[[rule]]
name = "junk"
when.any = [ { from = "@spam.example" }, { header = { X-Spam-Flag = "yes" } } ]
then = [ { delete = true } ]

[[rule]]
name = "urgent"
when.body = "/\\\\burgent\\\\b/"
then = [ { flag = true } ]

[[rule]]
name = "secret"
when.subject = { is = "burn after reading" }
then = [ { delete = "forever" } ]
"""


@dataclass(frozen=True)
class Kind:
    """A kind of message, and what must become of it; a mailbox of None is nowhere."""

    subject: str
    mailbox: str | None
    flags: frozenset[str] = frozenset()
    forwarded: bool = False
    sender: str = "ann@friends.example"
    extra: str = ""
    body: str = "Hello."
    needs_body: bool = True


SEEN, FLAGGED = frozenset({"\\Seen"}), frozenset({"\\Flagged"})

KINDS = (
    Kind(
        "Digest 7", "Lists/python", SEEN, extra="List-Id: <py.lists>", needs_body=False
    ),
    Kind("Your Invoice", "Rechnungen für 2026", forwarded=True),
    Kind("=?utf-8?q?Rechnung_12?=", "Rechnungen für 2026", forwarded=True),
    Kind("Invoice", "Trash", sender="x@spam.example", needs_body=False),
    Kind("Cheap", "Trash", extra="X-Spam-Flag: YES", needs_body=False),
    Kind("Lunch", "INBOX"),
    Kind("Fire", "INBOX", FLAGGED, body="This is urgent, come!"),
    Kind("Weak", "INBOX", body="This is not insurgent."),
    Kind("Burn after reading", None, body="Nothing."),
)


def make_mail(number: int) -> bytes:
    """The message of this number; its kind goes round."""
    return write(KINDS[number % len(KINDS)], number)


def write(kind: Kind, number: int) -> bytes:
    """The message of this kind and number."""
    extra = f"{kind.extra}\r\n" if kind.extra else ""
    return (
        f"From: {kind.sender}\r\nTo: me@dovecot.test\r\nSubject: {kind.subject}\r\n"
        f"Message-ID: <{number}@tests>\r\n{extra}\r\n{kind.body} Grüße {number}\r\n"
    ).encode()


def expect(numbers: Iterable[int]) -> Counter[tuple[str, int, frozenset[str]]]:
    """(mailbox, message, flags) of all that must be there afterwards."""
    kinds = ((number, KINDS[number % len(KINDS)]) for number in numbers)
    return Counter((k.mailbox, n, k.flags) for n, k in kinds if k.mailbox is not None)


def expect_forwards(numbers: Iterable[int]) -> Counter[int]:
    """The numbers of the messages that must have been forwarded."""
    return Counter(n for n in numbers if KINDS[n % len(KINDS)].forwarded)


def observe(
    mailboxes: Mapping[str, Sequence[Stored]],
) -> Counter[tuple[str, int, frozenset[str]]]:
    """(mailbox, message, flags) of all that is there; each must be whole."""
    return Counter(
        (name, read_number(stored.raw), stored.flags)
        for name, messages in mailboxes.items()
        for stored in messages
    )


def read_number(raw: bytes) -> int:
    """The number of a message that was delivered, whose octets must be unchanged below
    the fields that the delivery put before it."""
    number = int(raw.rsplit(b" ", 1)[1])
    assert raw.endswith(make_mail(number))
    return number


def read_forward(content: bytes) -> int:
    """The number of the message inside a forward, which must be unchanged."""
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    inner = list(parsed.iter_attachments())[-1]
    assert inner.get_content_type() == "message/rfc822"
    start = content.index(b"From: ann@friends.example")
    number = int(content[start:].partition(" Grüße ".encode())[2].split(b"\r\n")[0])
    assert make_mail(number) in content
    return number
