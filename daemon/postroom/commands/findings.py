"""What is wrong, shown to a person: by file and rule on a terminal, else one a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from postroom.errors import Problem
from postroom.log import printable


def show_findings(
    console: Console, problems: Sequence[Problem], warnings: Sequence[Problem]
) -> None:
    """Show problems, then warnings."""
    for findings, noun, style in (
        (problems, "problem", "red"),
        (warnings, "warning", "yellow"),
    ):
        if console.is_terminal:
            _show_groups(console, findings, noun, style)
        else:
            _show_lines(console, findings, "" if noun == "problem" else f"{noun}: ")


def tell_count(count: int, noun: str) -> str:
    """`1 problem`, `2 problems`, `no problems`."""
    return f"{count or 'no'} {noun}{'s' * (count != 1)}"


def as_data(findings: Iterable[Problem]) -> list[dict[str, str | None]]:
    """The same for programs."""
    return [
        {
            "file": printable(each.file),
            "rule": None if each.rule is None else printable(str(each.rule)),
            "key": each.key and printable(each.key),
            "message": printable(each.message),
        }
        for each in findings
    ]


def _show_lines(console: Console, findings: Iterable[Problem], prefix: str) -> None:
    for each in findings:
        told = printable(str(each)).replace("\n", " ")
        console.print(f"{prefix}{told}", markup=False, soft_wrap=True)


def _show_groups(
    console: Console, findings: Sequence[Problem], noun: str, style: str
) -> None:
    if not findings:
        return
    title = tell_count(len(findings), noun)
    console.print(Text(title, f"bold {style}"))
    for file, in_file in groupby(findings, key=lambda each: each.file):
        console.print(Text(f"\n  {printable(file)}", "bold"))
        for _, of_rule in groupby(in_file, key=lambda each: each.title):
            _show_group(console, list(of_rule), style)
    console.print()


def _show_group(console: Console, findings: Sequence[Problem], style: str) -> None:
    title = printable(findings[0].title)
    if title:
        console.print(Padding(Text(title), (0, 0, 0, 4)))
    grid = Table.grid(padding=(0, 2, 0, 0))
    keyed = [each for each in findings if each.key]
    if keyed:
        grid.add_column(max_width=console.width // 3, overflow="fold")
    grid.add_column(overflow="fold")
    for each in findings:
        message = Text(printable(each.message))
        key = Text(printable(each.key or ""), style)
        grid.add_row(*([key] if keyed else []), message)
    console.print(Padding(grid, (0, 0, 0, 6 if title else 4)))
