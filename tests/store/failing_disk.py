"""Writes to a database whose disk fails on the way; prints what came of two writes,
and whether who waits for that is told."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from pathlib import Path

from sqlalchemy import Connection

from postroom.errors import PostroomError, StoreError
from tests.store.test_writer import desk, insert


def _insert_much(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE large AS SELECT zeroblob(1000000)")


async def main(database: Path) -> None:
    """Write once well, once beyond what the disk takes, and once more."""
    with desk(database) as opened:
        await opened.writer.write(insert(1), durable=True)
        # A write beyond the limit is EFBIG, which SQLite takes for a broken disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        for unit in (_insert_much, insert(2)):
            try:
                await opened.writer.write(unit, durable=True)
            except PostroomError as error:
                print(type(error).__name__, flush=True)
        try:
            await opened.writer.broken()
        except StoreError as error:
            print("SQLITE_IOERR" in str(error), flush=True)
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
