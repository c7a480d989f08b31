"""What `check --connect` shows of each server."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from postroom.commands.abilities import Told
from postroom.log import printable


def show_servers(console: Console, servers: Iterable[Told]) -> None:
    """Show them: in tables on a terminal, else a line for each fact."""
    for told in servers:
        if console.is_terminal:
            _show_table(console, told)
        else:
            _show_lines(console, told)


def _show_lines(console: Console, told: Told) -> None:
    name = f"account {told.account}: {told.kind}"
    works = told.error or f"{told.where}: it works"
    facts = [f"{heading}: {words}" for heading, words in told.facts]
    for line in (works, *facts, *told.remarks):
        text = printable(f"{name}: {line}").replace("\n", " ")
        console.print(text, markup=False, soft_wrap=True)


def _show_table(console: Console, told: Told) -> None:
    state = Text("failed", "red") if told.failed else Text("works", "green")
    console.print(
        Text.assemble((f"{told.account} {told.kind}", "bold"), f"  {told.where}  "),
        state,
        sep="",
    )
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for heading, words in told.facts:
        grid.add_row(heading, Text(printable(words)))
    for remark in told.remarks:
        grid.add_row("look", Text(printable(remark), "yellow"))
    if told.failed:
        grid.add_row("why", Text(printable(told.error)))
    console.print(Padding(grid, (0, 0, 1, 2)))
