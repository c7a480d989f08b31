"""A store that was put back leads to no flood: what may have gone out since is held."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from postroom.errors import TemporaryError
from postroom.ports import DeliveryState, Ruleset
from postroom.rules.effects import FileInto
from postroom.service.batches import BatchSizes
from postroom.service.opening import STORE_NAME
from postroom.store.backup import back_up
from postroom.store.database import open_store
from tests.builders import make_raw
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp
from tests.service.house import Daemon
from tests.service.mailbox import NOON, MemoryMailbox
from tests.service.processing import Clock, Desk, rule
from tests.service.test_renumbered import FORWARD, PASS_ON, handled, outbox, put

Steps = Callable[[Desk, MemoryMailbox], Awaitable[None]]

FORWARDING = '[[rule]]\nname = "x"\nthen = [ { forward = "books@kept.test" } ]\n'
ANSWERING = '[[rule]]\nname = "y"\nthen = [ { reply = "Thank you." } ]\n'


# -- the whole daemon ------------------------------------------------------------------


@pytest.mark.parametrize("how", ["backup", "file"])
def test_mail_since_the_copy_was_made_is_not_forwarded_again(
    daemon: Daemon, dovecot: DovecotServer, user: str, sink: RecordingSmtp, how: str
) -> None:
    """Nor what lay there when the daemon was down; what comes then is forwarded."""
    store = daemon.folder / "state" / STORE_NAME
    copy = daemon.folder / "copy.db"
    daemon.rules(FORWARDING + ANSWERING)
    dovecot.backlog(user, [make_raw(message_id="<1@x>")])
    assert daemon.run_once() == ()
    if how == "backup":
        back_up(store, copy, NOON, replace=False)
    else:
        shutil.copy(store, copy)
    dovecot.backlog(user, [make_raw(message_id=f"<{n}@x>") for n in (2, 3)])
    assert daemon.run_once() == ()
    before = len(sink.received)
    assert before >= 3
    copy.replace(store)
    dovecot.backlog(user, [make_raw(message_id="<4@x>")])
    assert daemon.run_once() != (), "what is held is told"
    assert len(sink.received) == before
    dovecot.backlog(user, [make_raw(message_id="<5@x>")])
    daemon.run_once()
    assert len(sink.received) > before


def test_a_lost_store_leads_to_nothing_going_out(
    daemon: Daemon, dovecot: DovecotServer, user: str, sink: RecordingSmtp
) -> None:
    """Even where mail that was there before is to be processed."""
    daemon.rules(FORWARDING)
    dovecot.backlog(user, [make_raw(message_id=f"<{n}@x>") for n in (1, 2, 3)])
    assert daemon.run_once() == ()
    assert len(sink.received) == 3
    (daemon.folder / "state" / STORE_NAME).unlink()
    assert daemon.run_once() != ()
    assert len(sink.received) == 3


# -- a mailbox -------------------------------------------------------------------------


def put_back(folder: Path, before: Steps, steps: Steps) -> None:
    """Take steps, and others at a store that was put back an hour later."""

    async def run() -> None:
        mailbox, clock = MemoryMailbox(), Clock()
        path, copy = folder / "postroom.db", folder / "copy.db"
        async with asyncio.timeout(60), open_store(path, clock=clock) as store:
            number = await store.begin_run("live", Ruleset(()))
            await before(Desk(store, path, clock, number), mailbox)
            back_up(path, copy, NOON, replace=False)
        copy.replace(path)
        clock.ahead += clock.ahead.resolution * 3_600_000_000
        async with asyncio.timeout(60), open_store(path, clock=clock) as store:
            assert await store.settle_restored(None)
            number = await store.begin_run("live", Ruleset(()))
            await steps(Desk(store, path, clock, number), mailbox)

    asyncio.run(run())


def test_each_mailbox_is_held_once_and_filed(tmp_path: Path) -> None:
    async def before(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, 1)
        await desk.processor(PASS_ON).catch_up(mailbox)

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, 2, 3)
        processor = desk.processor(PASS_ON)
        await processor.catch_up(mailbox)
        assert handled(desk) == ["<2@x>", "<3@x>"]
        assert len(mailbox.placed["A"]) == 3
        assert await outbox(desk) == {DeliveryState.HELD: 3}
        put(mailbox, 4)
        await processor.catch_up(mailbox)
        assert (await outbox(desk))[DeliveryState.QUEUED] == 1

    put_back(tmp_path, before, steps)


def test_what_is_cut_in_between_stays_held(tmp_path: Path) -> None:
    async def before(desk: Desk, mailbox: MemoryMailbox) -> None:
        await desk.processor(PASS_ON).catch_up(mailbox)

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, *range(80))
        sizes = BatchSizes(first=30, most=30)
        processor = desk.processor(PASS_ON, sizes=sizes)
        for verb in ("headers", "search", "move"):
            mailbox.lost[verb] = TemporaryError("cut")
        for _ in range(6):
            with contextlib.suppress(TemporaryError):
                await processor.catch_up(mailbox)
        assert await outbox(desk) == {DeliveryState.HELD: 80}

    put_back(tmp_path, before, steps)


def test_numbered_anew_besides_it_is_held_however_few_are_unknown(
    tmp_path: Path,
) -> None:
    async def before(desk: Desk, mailbox: MemoryMailbox) -> None:
        await desk.processor(rule(FORWARD, FileInto("A"))).catch_up(mailbox)

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, 1)
        mailbox.number_anew()
        await desk.processor(PASS_ON).catch_up(mailbox)
        assert await outbox(desk) == {DeliveryState.HELD: 1}

    put_back(tmp_path, before, steps)
