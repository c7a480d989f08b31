"""Begins to do something about a message, says so, and waits to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from postroom.rules.effects import Effect, FileInto, Send
from postroom.store.database import open_store
from postroom.store.store import SqlStore
from tests.store.samples import NOON, StillClock, decide, message, outgoing, plan

EFFECTS: dict[str, Effect] = {"effect": FileInto("News"), "delivery": Send(outgoing())}


async def begin(store: SqlStore, act: str) -> None:
    """Come to the moment before the act, in the first process and in any later."""
    if act == "message":
        told = await store.see([message(1)], NOON)
        if told[message(1).key].begun_before:
            await store.begin_again(message(1).key)
        return
    await decide(store, (message(1), plan("k", EFFECTS[act])))
    if act == "effect":
        (each,) = await store.open_effects("home", "INBOX", 7)
        await store.begin_effects([each.id])
    else:
        await store.recover(NOON)
        (due,) = await store.due(NOON, 1)
        await store.begin_sending([due.id])


async def main(path: Path, act: str) -> None:
    """Never ends by itself."""
    async with open_store(path, clock=StillClock()) as store:
        await begin(store, act)
        print("acting", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
