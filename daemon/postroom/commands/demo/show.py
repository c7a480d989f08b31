"""What the person at the playground sees; what comes from mail is plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from postroom.commands.demo.audience import Handled
from postroom.commands.demo.imap import HOST, Stored
from postroom.commands.demo.maildir import Filed
from postroom.commands.demo.samples import ISP_OWNER, OWNER
from postroom.commands.demo.smtp import Departed
from postroom.mail.message import Message
from postroom.rules.effects import Copy, Delete, Effect, FileInto, Send, SetFlags
from postroom.rules.plan import Plan, RuleTrace

_MOST_COLUMNS = 110
_FLAG_NAMES = {"\\Seen": "read", "\\Flagged": "flagged", "\\Answered": "answered"}


class Display:
    """The playground on a console: each message as it is handled, then the result."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _MOST_COLUMNS)
        self._numbers = count(1)

    def opening(self, rules: int, samples: int) -> None:
        """Say what is about to happen."""
        self._heading("postroom demo")
        self._note(
            f"An IMAP, a POP3 and an SMTP server run in this process, and postroom "
            f"between them with {rules} rules. {samples} messages are about to arrive."
        )
        self._print("")
        self._print(_columns(("", "arrived", "rule, and why", "done")))

    def account(self, name: str, title: str) -> None:
        """Say to which account the next messages come."""
        self._print(Text.assemble((name, "bold"), (f"  {title}", "dim")))

    def handled(self, handled: Handled, kind: str) -> None:
        """One message: what arrived, which rules matched and why, what was done."""
        number = Text(f"{next(self._numbers):>2}", "dim")
        grid = _columns()
        arrived = (number, _arrival_cell(handled.message, kind))
        for what, done in _outcome_cells(handled):
            grid.add_row(*arrived, what, done)
            arrived = (Text(""), Text(""))
        self._print(Padding(grid, (0, 0, 1, 0)))

    def result(
        self,
        mailboxes: Mapping[str, Sequence[Stored]],
        filed: Iterable[Filed],
        left: int,
        departed: Iterable[Departed],
    ) -> None:
        """What mailboxes and Maildir hold, what is still at the POP3 server, and what
        left by SMTP."""
        self._heading("home: what each mailbox of the IMAP server holds")
        self._print(_mailbox_table(mailboxes))
        self._heading("isp: what each folder of the Maildir holds")
        self._print(_maildir_table(filed))
        self._note(_tell_left(left))
        self._heading("What left by SMTP")
        self._print(_departed_table(departed))

    def stuck(self, seconds: float) -> None:
        """Say that the daemon did not get on."""
        self._print(
            Text(f"Nothing happened for {seconds} s; postroom is stuck.", "red")
        )

    def invitation(self, imap: int, smtp: int, maildir: Path, password: str) -> None:
        """How to connect one's own mail program, and how to end."""
        self._heading("Your own mail program")
        grid = Table.grid(padding=(0, 3))
        grid.add_row("  IMAP", f"{HOST}  port {imap}", "user", OWNER)
        grid.add_row("  SMTP", f"{HOST}  port {smtp}", "password", password)
        self._print(grid)
        self._print(Text(f"  Maildir   {maildir}"))
        self._note(
            "IMAP and SMTP without TLS, for they are reached from this machine only.\n"
            f"Send a message to {OWNER} or {ISP_OWNER}, and see\n"
            "here what the rules do with it.\n"
            "Ctrl-C ends the playground; nothing of it is kept."
        )

    def _heading(self, text: str) -> None:
        self._print("")
        self._print(Rule(Text(text, "bold"), align="left", style="dim"))

    def _note(self, text: str) -> None:
        self._print(Text(text, "dim"))

    def _print(self, shown: RenderableType) -> None:
        self._console.print(shown, width=self._width)


def _columns(titles: Sequence[str] = ()) -> Table:
    grid = Table.grid(expand=True, padding=(0, 2))
    grid.add_column(width=2, no_wrap=True)
    grid.add_column(ratio=3, overflow="ellipsis", no_wrap=True)
    grid.add_column(ratio=4, overflow="fold")
    grid.add_column(ratio=3, overflow="fold")
    if titles:
        grid.add_row(*(Text(title, "bold") for title in titles))
    return grid


def _arrival_cell(message: Message, kind: str) -> Text:
    author = next(iter(message.header.addresses("From")), None)
    shown = (author.name or author.address) if author else "no sender"
    subject = message.subject or "no subject"
    return Text.assemble((subject, "bold"), "\n", (f"{kind} · {shown}", "dim"))


def _outcome_cells(handled: Handled) -> Iterator[tuple[Text, Text]]:
    """For each rule that matched: its name with the reasons, and what was done."""
    plan = handled.plan
    matched = [entry for entry in plan.trace if entry.matched]
    if not matched:
        asked = f"none of the {len(plan.trace)} rules" if plan.trace else "not decided"
        stays = Text(f"stays in {handled.message.key.mailbox}", "dim")
        yield Text(asked, "dim"), _with_troubles(stays, handled)
    for entry in matched:
        reasons = [asked.condition for asked in entry.conditions if asked.holds]
        what = Text.assemble((entry.rule, "cyan"), ("\n".join(["", *reasons]), "dim"))
        done = Text("\n".join(_tell_effects(entry, plan)), "green")
        yield what, _with_troubles(done, handled) if entry is matched[-1] else done


def _tell_effects(entry: RuleTrace, plan: Plan) -> Sequence[str]:
    effects = [planned.effect for planned in plan.effects if planned.rule == entry.rule]
    return [tell_done(effect) for effect in effects] or entry.effects or ["nothing"]


def _with_troubles(done: Text, handled: Handled) -> Text:
    return Text("\n").join([done, *(Text(told, "red") for told in handled.troubles)])


def tell_done(effect: Effect) -> str:
    """An effect as one tells it when it is done."""
    match effect:
        case SetFlags(add, _) if add:
            return f"marked as {_name_flags(add)}"
        case FileInto(mailbox):
            return f"moved to {mailbox}"
        case Copy(mailbox):
            return f"copied to {mailbox}"
        case Delete(forever):
            return "deleted for ever" if forever else "moved to Trash"
        case Send(outgoing, None):
            return f"sent on to {', '.join(outgoing.envelope.recipients)}"
        case Send(outgoing):
            return f"answered {', '.join(outgoing.envelope.recipients)}"
    return type(effect).__name__


def _mailbox_table(mailboxes: Mapping[str, Sequence[Stored]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False)
    table.add_column("mailbox", style="cyan", no_wrap=True)
    table.add_column("message", ratio=1, overflow="ellipsis", no_wrap=True)
    table.add_column("flags", style="green", no_wrap=True)
    for name, messages in mailboxes.items():
        for place, stored in enumerate(messages or [None]):
            shown = Text(stored.subject) if stored else Text("empty", "dim")
            flags = _name_flags(stored.flags) if stored else ""
            table.add_row("" if place else Text(name), shown, flags)
    return table


def _maildir_table(filed: Iterable[Filed]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False)
    table.add_column("folder", style="cyan", no_wrap=True)
    table.add_column("message", ratio=1, overflow="ellipsis", no_wrap=True)
    table.add_column("file", style="green", no_wrap=True)
    shown = None
    for one in filed:
        folder = Text(one.folder or "INBOX: the Maildir itself")
        table.add_row(
            "" if one.folder == shown else folder,
            Text(one.subject),
            Text(one.shown_path),
        )
        shown = one.folder
    return table


def _tell_left(left: int) -> str:
    if left:
        return f"{left} messages are still at the POP3 server."
    return (
        "The POP3 server is empty: keep = false, and all of it is safe here, under the "
        "names that every mail program reads."
    )


def _departed_table(departed: Iterable[Departed]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False)
    table.add_column("to", style="cyan", overflow="ellipsis", no_wrap=True)
    table.add_column("message", ratio=1, overflow="ellipsis", no_wrap=True)
    table.add_column("octets", justify="right", style="green")
    for one in departed:
        recipients = Text(", ".join(one.recipients))
        table.add_row(recipients, Text(one.subject), f"{len(one.content):,}")
    return table


def _name_flags(flags: Iterable[str]) -> str:
    return ", ".join(sorted(_FLAG_NAMES.get(flag, flag) for flag in flags))
