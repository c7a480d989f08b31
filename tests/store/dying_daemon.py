"""Commits batch after batch to a store, and says so after each, until it is killed."""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from postroom.ports import Decision
from postroom.rules.effects import FileInto, Send
from postroom.store.database import open_store
from tests.store.samples import NOON, RULES, StillClock, cursor, message, outgoing, plan

BATCH = 20


async def main(path: Path) -> None:
    """Never ends by itself."""
    async with open_store(path, clock=StillClock()) as store:
        run = await store.begin_run("live", RULES)
        print("open", flush=True)
        for first in itertools.count(1, BATCH):
            batch = [message(uid) for uid in range(first, first + BATCH)]
            await store.see(batch, NOON)
            decisions = [
                Decision(
                    each,
                    plan(f"k{each.key.uid}", FileInto("News"), Send(outgoing())),
                )
                for each in batch
            ]
            await store.commit(run, decisions, cursor(batch[-1].key.uid))
            print(batch[-1].key.uid, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
