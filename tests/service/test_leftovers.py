"""A run that ends by itself says what it could not handle."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from postroom.ports import PAUSED, Decision, Hold, HoldKind
from postroom.service.leftovers import leftovers
from postroom.store.store import SqlStore
from tests.builders import make_raw
from tests.servers.dovecot import DovecotServer
from tests.service.house import Daemon
from tests.store.samples import NOON, RULES, message, with_store

SAVE = """
[[rule]]
name = "keep"
then = [ {{ save = {{ message = true, to = "{folder}/a", quota = {quota} }} }} ]
"""


async def leave(store: SqlStore, reason: str, waits_for: str = "") -> None:
    """Leave a message undecided."""
    run = await store.begin_run("live", RULES)
    await store.see([message(1)], NOON)
    decision = Decision(message(1), failure=reason, waits_for=waits_for)
    await store.commit(run, [decision], None)


def test_what_is_delayed_is_told_at_the_end_of_the_run(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    daemon.rules(SAVE.format(folder=daemon.folder, quota=1))
    dovecot.backlog(user, [make_raw()])
    (told,) = daemon.run_once()
    assert "by rule 'keep': save the message to " in told
    # It is not due, and the next run has nothing to do.
    assert daemon.run_once() == ()


def test_a_run_that_could_do_all_says_nothing(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    daemon.rules(SAVE.format(folder=daemon.folder, quota=1_000_000))
    dovecot.backlog(user, [make_raw()])
    assert daemon.run_once() == ()
    assert list((daemon.folder / "a").iterdir())


def test_what_is_undecided_is_told_by_the_run_that_left_it(tmp_path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await leave(store, "it failed")
        (told,) = await leftovers(store, NOON)
        assert told == "seen: home/INBOX UID 1 <1@example.org>: it failed"
        assert await leftovers(store, NOON + timedelta(seconds=1)) == []

    with_store(tmp_path / "state" / "postroom.db", steps)


def test_what_waits_for_a_rule_is_told_unless_its_owner_paused_it(
    tmp_path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await store.hold(Hold(HoldKind.RULE, "one", "its plugin hung", NOON))
        await leave(store, "held", waits_for="one")
        (told,) = await leftovers(store, NOON)
        assert told == "rule 'one' is held: its plugin hung; 1 message waits for it"
        await store.release(HoldKind.RULE, "one")
        await store.hold(Hold(HoldKind.RULE, "one", PAUSED, NOON))
        await leave(store, "held", waits_for="one")
        assert await leftovers(store, NOON) == []

    with_store(tmp_path / "state" / "postroom.db", steps)
