"""Every condition and every action of rule files, with what must come of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

SEEN, FLAGGED = "\\Seen", "\\Flagged"
# The machine stands in Berlin; this was a Monday there, and still Sunday in New York.
MONDAY = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
PDF = (
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
    "--b\r\nContent-Type: application/pdf\r\n"
    'Content-Disposition: attachment; filename="Bill.pdf"\r\n\r\nx\r\n--b--\r\n'
)


@dataclass(frozen=True)
class Letter:
    """A message: the fields that matter, flags, when and where it arrived."""

    fields: Mapping[str, str] = field(default_factory=dict)
    body: str = "\r\nHello.\r\n"
    flags: str = ""
    arrived: datetime | None = None
    mailbox: str = "INBOX"

    def write(self, row: int, number: int, owner: str) -> bytes:
        """Its octets; the row is what its rule is for, the number tells it apart."""
        lines = {
            "Return-Path": "<ann@friends.example>",
            "From": "Ann <ann@friends.example>",
            "To": owner,
            "Subject": "Lunch",
            "Message-ID": f"<{number}@tests>",
            "X-Row": f"{row}",
            "X-Number": f"{number}",
            **self.fields,
        }
        header = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{header}{self.body}".encode()


@dataclass(frozen=True)
class Asked:
    """A condition as a rule file writes it, letters that fit, and some that do not."""

    when: str
    fits: Sequence[Letter]
    others: Sequence[Letter] = (Letter(),)


@dataclass(frozen=True)
class Done:
    """Actions as a rule file writes them, and what must come of the letters: where each
    is with which flags, what is sent, to whom and saying what, and which file has what
    in it, below the folder that SAVED stands for."""

    then: str
    places: Sequence[tuple[str, frozenset[str]]]
    letters: Sequence[Letter] = (Letter(),)
    sent: Sequence[tuple[str, str]] = ()
    saved: Sequence[tuple[str, str]] = ()


def having(**fields: str) -> Letter:
    """A letter with these fields; `list_id` is `List-Id`."""
    return Letter({name.replace("_", "-").title(): v for name, v in fields.items()})


def by(sender: str) -> Letter:
    """A letter from this author."""
    return Letter({"From": sender})


def ago(days: float) -> Letter:
    """A letter that arrived so long ago."""
    return Letter(arrived=datetime.now(UTC) - timedelta(days=days))


def at(*hours: float) -> list[Letter]:
    """Letters that arrived so many hours after Monday, 00:30 in Berlin."""
    return [Letter(arrived=MONDAY + timedelta(hours=each)) for each in hours]


def rule(number: int, when: str, then: str) -> str:
    """A rule for the letters of this row."""
    row = f'{{ header = {{ X-Row = {{ is = "{number}" }} }} }}'
    return (
        f'[[rule]]\nname = "row {number}"\nwhen.all = [ {{ {when} }}, {row} ]\n'
        f"then = [ {{ {then} }} ]\n"
    )


def used(written: str) -> Iterator[tuple[str, str]]:
    """(name, option) of all that stands in inline tables; the main option is empty."""
    for table in tomllib.loads(f"it = [{{ {written} }}]")["it"]:
        for name, value in table.items():
            options = value if isinstance(value, dict) else {"": value}
            yield from ((name, option) for option in options)


CONDITIONS = (
    Asked('from = "ann@friends.example"', [Letter()], [by("x@y.z")]),
    Asked('from = "@friends.example"', [Letter()], [by("x@y.z")]),
    Asked('from = "*@*.example"', [Letter()], [by("x@y.z")]),
    Asked('from = ["bob", "Ann"]', [Letter()], [by("x@y.z")]),
    Asked('to = "me@ours.example"', [having(to="Me <ME@ours.example>")]),
    Asked('cc = "@ours.example"', [having(cc="x@y.z, me@ours.example")]),
    Asked(
        'recipient = "old@ours.example"',
        [
            Letter({name: "old@ours.example"})
            for name in ("To", "Cc", "Bcc", "Resent-To", "Delivered-To", "Envelope-To")
        ],
        [having(reply_to="old@ours.example")],
    ),
    Asked('subject = "voice"', [having(subject="Your Invoice")]),
    Asked('subject = "réunion"', [having(subject="=?utf-8?q?R=C3=89UNION?=")]),
    Asked('subject = "Re: *"', [having(subject="re: x")], [having(subject="A re: x")]),
    Asked("subject = '/^bill [0-9]+$/'", [having(subject="Bill 12")]),
    Asked('subject = { is = "bill" }', [having(subject="Bill")], [having(subject="B")]),
    Asked(
        'subject = { contains = "B?", case = true }',
        [having(subject="AB?")],
        [having(subject="ab?"), having(subject="ABC")],
    ),
    Asked('subject = { glob = "b*l" }', [having(subject="Bill")]),
    Asked('subject = { regex = "b.+l" }', [having(subject="A bill")]),
    Asked(
        'header = { X-Mark = "one", List-Id = "*" }',
        [having(x_mark="One", list_id="<a.b>")],
        [having(x_mark="one"), having(list_id="<a.b>")],
    ),
    Asked('list = "*"', [having(list_id="<a.b>")]),
    Asked('list = "py.lists"', [having(list_id="<py.lists>")], [having(list_id="<a>")]),
    Asked('size = "2K"', [Letter(body="\r\n" + "x" * 2048)]),
    Asked('size = { over = 10, under = "2K" }', [Letter()], [Letter(body="x" * 2048)]),
    Asked('body = "urgent"', [Letter(body="\r\nThis is URGENT\r\n")]),
    Asked('attachment = "*.pdf"', [Letter(body=PDF)]),
    Asked('attachment = "*"', [Letter(body=PDF)]),
    Asked('attachment = "*.doc"', [], [Letter(body=PDF)]),
    Asked(
        "auto = true", [having(auto_submitted="auto-replied"), having(list_id="<a>")]
    ),
    Asked('age = "30d"', [ago(31)], [ago(29)]),
    Asked('age = { over = "30d", under = "1y" }', [ago(31)], [ago(29), ago(366)]),
    Asked("date = 2026-03-02", at(0), at(-1)),
    Asked("date = { after = 2026-03-02, before = 2026-03-03 }", at(0), at(-1, 24)),
    Asked("date = { before = 2026-03-02T01:00:00 }", at(0), at(1)),
    Asked('date = { weekday = ["mon", "Tuesday"] }', at(0, 24), at(-1, 48)),
    Asked('date = { weekday = "mon", zone = "America/New_York" }', at(24), at(0)),
    Asked('date = { between = "09:00-17:00" }', at(9, 15), at(0, 17)),
    Asked('date = { between = "23:00-01:00" }', at(0, -1), at(1, 22)),
    Asked('flag = "flagged"', [Letter(flags=FLAGGED)], [Letter(flags=SEEN)]),
    Asked(
        'flag = ["answered", "$Work"]', [Letter(flags="$work")], [Letter(flags=SEEN)]
    ),
    Asked('mailbox = "lists"', [Letter(mailbox="Lists")]),
    Asked('any = [{ subject = "a" }, { cc = "b" }]', [having(subject="A")]),
    Asked('all = [{ subject = "a" }, { cc = "b" }]', [having(subject="A", cc="b@c.d")]),
    Asked('not = { subject = "lunch" }', [having(subject="A")]),
    Asked('not = [{ subject = "b" }, { cc = "b" }]', [Letter()], [having(subject="B")]),
)

NONE = frozenset[str]()
ANN = Letter({"From": '"../Ann" <ANN@Friends.example>', "List-Id": "<py.lists/x>"})
BEN = Letter({"Return-Path": "<ben@friends.example>"})
EVE = Letter({"Return-Path": "<eve@friends.example>"})
ROBOT = Letter({"Return-Path": "<bot@friends.example>", "Auto-Submitted": "yes"})
STAYS = ("INBOX", NONE)

ACTIONS = (
    Done('move = "Work/Ann"', [("Work/Ann", NONE)]),
    Done('move = "Für {from.domain}"', [("Für friends_example", NONE)], [ANN]),
    Done('move = "Lists/{list.id}"', [("Lists/py_lists_x", NONE)], [ANN]),
    Done('move = "Of/{from.name}/a"', [("Of/___Ann/a", NONE)], [ANN]),
    Done('move = "Of/{from.address}"', [("Of/ann@friends_example", NONE)], [ANN]),
    Done(
        'move = "Of/{from.name}"',
        [(f"Of/{'aé' * 33}a", NONE)],
        [by(f"{'aé' * 99} <x@y.z>")],
    ),
    Done('move = "{account}/{from.local}"', [("home/ann", NONE)], [ANN]),
    Done('move = "Kept/{mailbox}"', [("Kept/INBOX", NONE)]),
    Done("archive = true", [("Archive", NONE)]),
    Done('archive = "A/{date:%Y-%m}"', [("Archive/A/2026-03", NONE)], at(0)),
    Done('copy = "Copies"', [("Copies", NONE), ("INBOX", NONE)]),
    Done('copy = "Copies" }, { move = "B"', [("Copies", NONE), ("B", NONE)]),
    Done("delete = true", [("Trash", NONE)]),
    Done('delete = "forever"', []),
    Done("flag = true", [("INBOX", frozenset({FLAGGED}))]),
    Done('label = "urgent"', [("INBOX", frozenset({"urgent"}))]),
    Done("unflag = true", [("INBOX", NONE)], [Letter(flags=FLAGGED)]),
    Done('mark = "read"', [("INBOX", frozenset({SEEN}))]),
    Done('mark = "unread"', [("INBOX", NONE)], [Letter(flags=SEEN)]),
    Done(
        'mark = "read"', [("INBOX", frozenset({SEEN, FLAGGED}))], [having(x_last="y")]
    ),
    Done("stop = true", [STAYS], [having(x_last="y")]),
    Done('forward = "f@kept.test"', [STAYS], sent=[("f@kept.test", "Hello.")]),
    Done(
        'redirect = ["r@kept.test", "s@kept.test"]',
        [STAYS],
        sent=[("r@kept.test", "Hello."), ("s@kept.test", "Hello.")],
    ),
    Done(
        'reply = "Thank you, {from.name}."',
        [STAYS, STAYS, STAYS],
        [BEN, BEN, ROBOT],
        sent=[("ben@friends.example", "Thank you, Ann.")],
    ),
    Done(
        'reply = { text = "Away.", subject = "Re: {subject}", every = "1d" }',
        [STAYS],
        [BEN],
        sent=[("ben@friends.example", "Subject: Re: Lunch\n")],
    ),
    Done(
        'reply = { text = "Away.", handle = "h" } },'
        ' { reply = { text = "Still.", handle = "h" }',
        [STAYS],
        [EVE],
        sent=[("eve@friends.example", "Away.")],
    ),
    Done(
        'save = { attachments = "*.pdf", to = "SAVED/a/{date:%Y}/{from.domain}",'
        ' most = 3, largest = "1M", quota = "1G" }',
        [STAYS, STAYS],
        [Letter(body=PDF, arrived=MONDAY), Letter()],
        saved=[("a/2026/friends.example/Bill.pdf", "x")],
    ),
    Done(
        'save = { message = true, to = "SAVED/{account}" }',
        [STAYS],
        [having(subject="=?utf-8?q?../R=C3=89?=")],
        saved=[("home/_RÉ.eml", "Hello.")],
    ),
    Done(
        'save = { maildir = "SAVED/m", folder = "Für/{from.domain}" },'
        ' delete = "forever"',
        [],
        saved=[("m/.F&APw-r.friends_example/new/", "Hello.")],
    ),
)

# Asked of each letter after all the others.
LAST = """
[[rule]]
name = "last"
when.header = { X-Last = "*" }
then = [ { flag = true } ]
"""
