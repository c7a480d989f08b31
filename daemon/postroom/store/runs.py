"""Which rules ran, when, why, and by which postroom."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from postroom.ports import Ruleset
from postroom.store.schema import ruleset, ruleset_file, run


def begin_run(
    connection: Connection, mode: str, rules: Ruleset, version: str, now: datetime
) -> int:
    """Note a run under these rules, whose text is kept once; the run's number."""
    row = {
        "mode": mode,
        "ruleset_id": _ruleset_id(connection, rules, now),
        "version": version,
        "started": now,
    }
    made = connection.execute(insert(run).returning(run.c.id), row)
    number: int = made.scalar_one()
    return number


def end_runs(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Note that these runs came to their end."""
    connection.execute(update(run).where(run.c.id.in_(ids)).values(ended=now))


def _ruleset_id(connection: Connection, rules: Ruleset, now: datetime) -> int:
    name = hashlib.sha256(json.dumps(rules.files).encode()).hexdigest()
    found = connection.execute(select(ruleset.c.id).where(ruleset.c.hash == name))
    known = found.scalar()
    return _keep(connection, name, rules, now) if known is None else known


def _keep(connection: Connection, name: str, rules: Ruleset, now: datetime) -> int:
    row = insert(ruleset).values(hash=name, created=now).returning(ruleset.c.id)
    number: int = connection.execute(row).scalar_one()
    files = [
        {"ruleset_id": number, "ordinal": ordinal, "name": file, "text": text}
        for ordinal, (file, text) in enumerate(rules.files)
    ]
    if files:
        connection.execute(insert(ruleset_file), files)
    return number
