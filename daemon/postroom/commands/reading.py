"""What commands that look at the store and change nothing have in common."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from rich.table import Table
from rich.text import Text

from postroom.commands.control import find_place
from postroom.log import printable
from postroom.service.clock import SystemClock
from postroom.store.database import open_store
from postroom.store.store import SqlStore

T = TypeVar("T")


def read(config: Path | None, query: Callable[[SqlStore], Awaitable[T]]) -> T:
    """What the store answers; it is not written to, whether a daemon runs or not."""

    async def run(path: Path) -> T:
        async with open_store(path, clock=SystemClock(), read_only=True) as store:
            return await query(store)

    place = find_place(config)
    place.require_store()
    return asyncio.run(run(place.store))


def print_json(data: object) -> None:
    """Print data as JSON; times as ISO 8601."""
    print(json.dumps(data, indent=2, default=_encode))


def make_table(*headings: str) -> Table:
    """A table without lines, whose cells are broken and never cut."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def make_facts(facts: Mapping[str, str]) -> Table:
    """A name and a text a line; those without a text are left out."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in facts.items():
        if text:
            table.add_row(name, cell(text))
    return table


def cell(text: str, style: str = "") -> Text:
    """A text from anywhere, that can do nothing to a terminal."""
    return Text(printable(text), style)


def tell_time(time: datetime | None) -> str:
    """A time as a person's clock shows it; nothing for none."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}" if time else ""


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not for JSON")
