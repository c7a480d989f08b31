"""What the rules would do with one message, as a person reads it and as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from postroom.log import printable
from postroom.mail.header import Header
from postroom.mail.message import Message
from postroom.rules.effects import Send, tell
from postroom.rules.plan import Plan, RuleTrace

_MOST_OF_ANSWER = 200
# How the trace tells of what is not done.
_UNDONE = (": refused: ", ": not done: ", ": not sent: ")


@dataclass(frozen=True)
class Explanation:
    """A message, the plan for it, and why it would wait, if it would."""

    file: Path
    message: Message
    plan: Plan
    waits: str = ""

    @property
    def effects(self) -> list[str]:
        """What would be done, in its order."""
        if self.waits:
            return []
        told = (printable(tell(planned.effect)) for planned in self.plan.effects)
        return list(dict.fromkeys(told))

    @property
    def answers(self) -> list[str]:
        """How the replies begin that would be sent."""
        if self.waits:
            return []
        return [
            self._read(effect.outgoing.content)[:_MOST_OF_ANSWER]
            for effect in (planned.effect for planned in self.plan.effects)
            if isinstance(effect, Send) and effect.window
        ]

    def _read(self, content: bytes) -> str:
        header = Header.parse(content)
        answer = replace(
            self.message, size=len(content), header=header, content=content
        )
        return " ".join(answer.text.split())

    @property
    def data(self) -> dict[str, Any]:
        """The same for programs."""
        key = self.message.key
        return {
            "file": printable(str(self.file)),
            "account": key.account,
            "mailbox": printable(key.mailbox),
            "subject": printable(self.message.subject),
            "rules": [_rule_data(entry) for entry in self.plan.trace],
            "effects": self.effects,
            "undone": [printable(each) for each in self.plan.undone],
            "waits": printable(self.waits),
        }


def show_explanation(console: Console, explained: Explanation, named: bool) -> None:
    """Show the trace, then what would be done; `named` by its file."""
    message, plan = explained.message, explained.plan
    if named:
        console.print(Text(printable(str(explained.file)), "dim"))
    console.print(Text(printable(message.subject) or "(no subject)", "bold"))
    if message.header.cut:
        told = f"{message.header.cut}; the rest was not read"
        console.print(Text(printable(told), "yellow"))
    for entry in plan.trace:
        _show_rule(console, entry)
    _show_result(console, explained)


def _show_rule(console: Console, entry: RuleTrace) -> None:
    mark = ("yes", "green") if entry.matched else ("no ", "dim")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for asked in entry.conditions:
        answer = Text("holds", "green") if asked.holds else Text("fails", "red")
        line = Text(printable(asked.condition))
        if asked.seen:
            line.append(f"  saw {printable(asked.seen)}", "dim")
        grid.add_row(answer, line)
    for told in entry.effects:
        refused = any(mark in told for mark in _UNDONE)
        grid.add_row("then", Text(printable(told), "yellow" if refused else "cyan"))
    if entry.note:
        grid.add_row("note", Text(printable(entry.note), "dim"))
    console.print()
    console.print(Text.assemble(mark, " ", (printable(entry.rule), "bold")))
    console.print(Padding(grid, (0, 0, 0, 6)))


def _show_result(console: Console, explained: Explanation) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    stays = f"nothing: it stays in {printable(explained.message.key.mailbox)}"
    result = "; ".join(explained.effects) or stays
    if explained.waits:
        result = f"nothing yet: it waits, for {printable(explained.waits)}"
    grid.add_row(Text("would be done", "bold"), Text(result))
    for text in explained.answers:
        grid.add_row(Text("the answer", "bold"), Text(printable(text)))
    for reason in explained.plan.undone:
        grid.add_row(Text("and not", "bold"), Text(printable(reason), "yellow"))
    console.print()
    console.print(grid)


def _rule_data(entry: RuleTrace) -> dict[str, Any]:
    return {
        "rule": printable(entry.rule),
        "matched": entry.matched,
        "conditions": [
            {
                "condition": printable(asked.condition),
                "holds": asked.holds,
                "seen": printable(asked.seen),
            }
            for asked in entry.conditions
        ],
        "effects": [printable(told) for told in entry.effects],
        "note": printable(entry.note),
    }
