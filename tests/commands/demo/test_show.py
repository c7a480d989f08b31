"""What the playground prints."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from postroom.commands.demo import letters, popletters
from postroom.commands.demo.audience import Handled
from postroom.commands.demo.imap import Stored
from postroom.commands.demo.maildir import Filed, read_maildir
from postroom.commands.demo.show import Display
from postroom.commands.demo.smtp import Departed
from postroom.mail.envelope import Envelope, Outgoing
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.rules.effects import Effect, FileInto, Send
from postroom.rules.plan import ConditionTrace, Plan, PlannedEffect, RuleTrace

OUTGOING = Outgoing("demo", Envelope("me@a.example", ("you@b.example",)), b"", "<1@a>")


def message_of(raw: bytes) -> Message:
    """The message as it would lie in INBOX."""
    key = MessageKey("demo", "INBOX", 1, 1)
    now = datetime(2026, 1, 5, tzinfo=UTC)
    return Message(key, len(raw), now, frozenset(), Header.parse(raw))


def plan_of(*effects: Effect) -> Plan:
    """A plan in which one of two rules matched and wants these effects."""
    reason = ConditionTrace("subject = 'invoice'", True)
    no_reason = ConditionTrace("from = 'ann'", False)
    trace = (
        RuleTrace("Ann", False, (no_reason,)),
        RuleTrace("Invoices", True, (reason,)),
    )
    planned = [PlannedEffect("key", "Invoices", effect) for effect in effects]
    return Plan(tuple(planned), trace)


def shown(raw: bytes, plan: Plan, *troubles: str) -> str:
    """What is printed of one handled message."""
    stream = io.StringIO()
    handled = Handled(message_of(raw), plan, troubles)
    Display(Console(file=stream, width=120)).handled(handled, "mail")
    return stream.getvalue()


def test_a_message_is_shown_with_its_rule_the_reason_and_what_was_done() -> None:
    """Rules and conditions that did not match are left out."""
    text = shown(letters.INVOICE, plan_of(Send(OUTGOING), FileInto("Invoices")))
    for part in (
        "Invoice 2026-0117 for January",
        "mail · Hosting Ltd",
        "Invoices",
        "subject = 'invoice'",
        "sent on to you@b.example",
        "moved to Invoices",
    ):
        assert part in text
    assert "ann" not in text.lower()


def test_a_message_that_no_rule_wants_stays() -> None:
    """And it is told how many were asked."""
    trace = (RuleTrace("One", False), RuleTrace("Two", False))
    text = shown(letters.SPAM, Plan((), trace))
    assert "none of the 2 rules" in text
    assert "stays in INBOX" in text


def test_what_went_wrong_is_told() -> None:
    """A plan is not yet a deed."""
    text = shown(letters.SPAM, plan_of(FileInto("Trash")), "failed: it was gone")
    assert "failed: it was gone" in text


def test_nothing_in_a_message_can_steer_the_terminal() -> None:
    """Neither escape sequences nor the mark-up of the library that draws."""
    raw = b"Subject: \x1b[31m[bold red]x[/]\x07\r\nFrom: \x9b31m <a@b.example>\r\n\r\n"
    text = shown(raw, plan_of(FileInto("[blink]")))
    assert not set(text) & {"\x1b", "\x07", "\x9b"}
    assert "[bold red]x[/]" in text
    assert "[blink]" in text


def test_the_result_lists_every_mailbox_and_what_left() -> None:
    """An empty mailbox is named as well."""
    stream = io.StringIO()
    Display(Console(file=stream, width=100)).result(
        {"INBOX": [], "Lists": [Stored(frozenset({"\\Seen"}), letters.LIST_POST)]},
        [],
        0,
        [Departed("me@a.example", ("you@b.example",), letters.INVOICE)],
    )
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert ["INBOX", "empty"] in lines
    assert any(line[:2] == ["Lists", "[bees]"] and "read" in line for line in lines)
    assert any(line[:2] == ["you@b.example", "Invoice"] for line in lines)


def stored_in(folder: Path, name: str, raw: bytes) -> None:
    """Put a message into a folder, as its file has it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(raw.replace(b"\r\n", b"\n"))


def test_the_result_lists_every_file_of_the_maildir(tmp_path: Path) -> None:
    """By its folder; INBOX is the Maildir itself, and what is not finished is left
    out."""
    stored_in(tmp_path / "new", "1.a", popletters.DOTS)
    stored_in(tmp_path / "tmp", "2.b", popletters.TICKET)
    stored_in(tmp_path / ".Lists.bees" / "cur", "3.c,S=9:2,FS", popletters.ANSWER)
    text = result_of(read_maildir(tmp_path), 0)
    lines = [line.split() for line in text.splitlines()]
    assert any(line[:1] == ["INBOX:"] and line[-1] == "new/…" for line in lines)
    assert [line[0] for line in lines if "cur/…:2,FS" in line] == [".Lists.bees"]
    assert "ticket" not in text
    assert "The POP3 server is empty" in text


def test_what_is_still_at_the_pop3_server_is_counted() -> None:
    """It is not said to be empty then."""
    assert "2 messages are still at the POP3 server" in result_of([], 2)


def result_of(filed: list[Filed], left: int) -> str:
    """What is printed at the end about the POP3 account."""
    stream = io.StringIO()
    Display(Console(file=stream, width=100)).result({}, filed, left, [])
    return stream.getvalue()
