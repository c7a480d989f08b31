"""What was committed is there after kill -9, and nothing is there by halves."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from postroom.ports import MessageState
from postroom.store.store import SqlStore
from tests.store.dying_daemon import BATCH
from tests.store.programs import running
from tests.store.samples import NOON, message, with_store


def kill_after(path: Path, batches: int, seconds: float) -> int:
    """Kill a daemon so long after so many batches; the last UID it had committed."""
    with running("tests.store.dying_daemon", str(path)) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "open\n"
        for _ in range(batches):
            daemon.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(seconds)  # at an arbitrary point of its next batch
        daemon.kill()
        told = daemon.stdout.read().split()
    return int(told[-1]) if told else batches * BATCH


@pytest.mark.parametrize("round_", range(6))
def test_what_was_committed_before_kill_9_is_whole_and_nothing_is_half(
    path: Path, round_: int
) -> None:
    told = kill_after(path, batches=round_ % 3, seconds=0.007 * round_)

    async def steps(store: SqlStore) -> None:
        cursor = await store.cursor("home", "INBOX")
        reached = cursor.uid if cursor else 0
        assert told <= reached <= told + BATCH
        counts = (await store.summary()).messages.get("home", {})
        assert counts.get(MessageState.DECIDED, 0) == reached
        assert counts.get(MessageState.SEEN, 0) in (0, BATCH)
        uids = list(range(1, reached + 1))
        effects = await store.open_effects("home", "INBOX", 7)
        assert [each.message.uid for each in effects] == uids
        assert len(await store.due(NOON, 100_000)) == reached
        again = await store.see([message(uid) for uid in uids], NOON)
        assert {each.state for each in again.values()} <= {MessageState.DECIDED}

    with_store(path, steps)
