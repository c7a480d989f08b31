"""How far a store had come, in a file beside it: a store that has come less far than
that is an older one put in its place.

Invariant: what the file tells was synced in the store before, so that no power cut
makes a store look older than it is.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from postroom.store import own_notes
from postroom.store.schema import message, meta, run


@dataclass(frozen=True)
class Waymark:
    """Which store it was, and the numbers of its last run and its last message, which
    only ever grow."""

    store_id: str
    run: int
    message: int

    def is_beyond(self, other: Waymark) -> bool:
        """True if the other store can't have been here already."""
        further = self.run > other.run or self.message > other.message
        return self.store_id != other.store_id or further


def standing(connection: Connection) -> Waymark:
    """How far the store has come."""
    last = [
        connection.execute(select(func.max(table.c.id))).scalar() or 0
        for table in (run, message)
    ]
    store_id = connection.execute(select(meta.c.store_id)).scalar_one()
    return Waymark(store_id, *last)


def note_standing(connection: Connection) -> Waymark:
    """How far the store has come, noted in the store too: only a transaction that
    writes something is synced, and with it all before it."""
    mark = standing(connection)
    own_notes.remember(connection, "waymark", f"{mark.run} {mark.message}")
    return mark


def read_waymark(store: Path) -> Waymark | None:
    """How far the store at this path had come; None where nothing (legible) tells."""
    with suppress(OSError, ValueError):
        store_id, *numbers = _place(store).read_text("ascii").split()
        last_run, last_message = map(int, numbers)
        return Waymark(store_id, last_run, last_message)
    return None


def write_waymark(store: Path, mark: Waymark) -> None:
    """Note how far it has come; raises `OSError`."""
    made = _place(store).with_suffix(".new")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        told = f"{mark.store_id} {mark.run} {mark.message}\n"
        os.write(descriptor, told.encode())
    finally:
        os.close(descriptor)
    made.replace(_place(store))


def _place(store: Path) -> Path:
    return store.with_name(f"{store.name}.waymark")
