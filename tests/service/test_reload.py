"""Reloading: all of what was written or none of it, and nobody else is disturbed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from postroom.ports import Hold, HoldKind
from postroom.service.clock import SystemClock
from postroom.service.opening import store_path
from postroom.service.steering import Steering, make_steering
from tests.builders import make_raw
from tests.servers.dovecot import DovecotServer
from tests.servers.proxy import CountingProxy, counting_proxy
from tests.servers.sink import RecordingSmtp
from tests.service.house import Daemon

MOVE = '[[rule]]\nname = "{name}"\nthen = [ {{ move = "{target}" }} ]\n'


@asynccontextmanager
async def steered(daemon: Daemon) -> AsyncIterator[Steering]:
    """The daemon at work, and its controls."""
    async with daemon.running() as service:
        await daemon.told.until(lambda: daemon.told.waits("INBOX"))
        steering = make_steering(service)
        reloading = asyncio.create_task(steering.reloader.run())
        yield steering
        reloading.cancel()


def move_to(daemon: Daemon, target: str, name: str = "it") -> None:
    """Write a rule that moves all that comes."""
    daemon.rules(MOVE.format(name=name, target=target))


def where(dovecot: DovecotServer, user: str) -> dict[str, int]:
    """How many messages are in each mailbox that has any."""
    boxes = dovecot.mailboxes(user).items()
    return {name: len(stored) for name, stored in boxes if stored}


def test_changed_rules_are_taken_over_and_no_connection_is_made_anew(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    async def run() -> None:
        with counting_proxy("127.0.0.1", dovecot.ports.imap) as proxy:
            daemon.watch("INBOX", imap=proxy.port)
            move_to(daemon, "A")
            async with steered(daemon) as steering:
                dovecot.deliver(user, make_raw())
                await daemon.told.until_handled(1)
                move_to(daemon, "B")
                assert await steering.reload() == []
                dovecot.deliver(user, make_raw())
                await daemon.told.until_handled(2)
            assert len(proxy.commands("LOGIN")) == 1

    asyncio.run(run())
    assert where(dovecot, user) == {"A": 1, "B": 1}


def test_wrong_rules_change_nothing_and_are_told(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    async def run() -> None:
        move_to(daemon, "A")
        async with steered(daemon) as steering:
            daemon.rules('[[rule]]\nname = "x"\nthen = [{ mvoe = "B" }, { cpoy = 1 }]')
            problems = await steering.reload()
            assert [problem.rpartition("; ")[2] for problem in problems] == [
                "did you mean 'move'?",
                "did you mean 'copy'?",
            ]
            dovecot.deliver(user, make_raw())
            await daemon.told.until_handled(1)
            summary = await steering.service.assembly.store.summary()
            (notice,) = summary.notices
            assert "the last reload was refused" in notice.text
            assert notice.text.endswith("(and 1 more)")
            move_to(daemon, "B")
            assert await steering.reload() == []
            summary = await steering.service.assembly.store.summary()
            assert summary.notices == ()

    asyncio.run(run())
    assert where(dovecot, user) == {"A": 1}


def account(name: str, of: str, daemon: Daemon, imap: int, watch: str = "INBOX") -> str:
    """The table of one more account."""
    return (
        f'\n[account.{name}]\naddress = "{of}"\n'
        f'password = "file:{daemon.word}"\nwatch = ["{watch}"]\n'
        f'imap = {{ host = "127.0.0.1", port = {imap}, tls = "none" }}\n'
        'existing = "process"\n'
    )


def test_accounts_come_change_and_go_and_the_others_are_left_alone(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    other, third = dovecot.new_user(), dovecot.new_user()
    address, port = dovecot.address, dovecot.ports.imap
    settings = daemon.folder / "postroom.toml"

    async def run(proxy: CountingProxy) -> None:
        daemon.watch("INBOX", imap=proxy.port)
        first = settings.read_text()
        settings.write_text(first + account("work", address(other), daemon, port))
        async with steered(daemon) as steering:
            dovecot.deliver(other, make_raw())
            await daemon.told.until_handled(1)
            changed = account("work", address(other), daemon, port, "Second")
            new = account("new", address(third), daemon, port)
            settings.write_text(first + changed + new)
            dovecot.append(other, make_raw(), "Second")
            dovecot.deliver(third, make_raw())
            assert await steering.reload() == []
            await daemon.told.until_handled(3)
            settings.write_text(first)
            assert await steering.reload() == []
            assert list(steering.service.stations) == ["home"]
            dovecot.deliver(third, make_raw())
            dovecot.deliver(user, make_raw())
            await daemon.told.until_handled(4)
        assert len(proxy.commands("LOGIN")) == 1

    move_to(daemon, "A")
    dovecot.create(other, "Second")
    with counting_proxy("127.0.0.1", port) as proxy:
        asyncio.run(run(proxy))
    assert where(dovecot, user) == {"A": 1}
    assert where(dovecot, other) == {"A": 2}
    assert where(dovecot, third) == {"A": 1, "INBOX": 1}


def test_a_relay_that_changed_is_the_one_that_is_sent_through(
    daemon: Daemon, dovecot: DovecotServer, user: str, sink: RecordingSmtp
) -> None:
    settings = daemon.folder / "postroom.toml"

    async def run() -> None:
        right = settings.read_text()
        settings.write_text(right.replace(f"port = {sink.port}", "port = 9"))
        daemon.rules('[[rule]]\nname = "x"\nthen = [{ forward = "a@kept.test" }]')
        async with steered(daemon) as steering:
            dovecot.deliver(user, make_raw())
            await daemon.told.until_handled(1)
            settings.write_text(right)
            assert await steering.reload() == []
            await asyncio.to_thread(sink.wait_for, 1)

    asyncio.run(run())
    assert len(sink.received) == 1


def test_what_is_held_goes_out_when_the_hold_is_lifted(
    daemon: Daemon, dovecot: DovecotServer, user: str, sink: RecordingSmtp
) -> None:
    settings = daemon.folder / "postroom.toml"

    async def run() -> None:
        open_ = settings.read_text()
        settings.write_text(open_.replace("[postroom]", "[postroom]\nhold = true"))
        daemon.rules(
            '[[rule]]\nname = "x"\n'
            'then = [{ forward = "a@kept.test" }, { move = "Done" }]'
        )
        async with steered(daemon) as steering:
            dovecot.deliver(user, make_raw())
            await daemon.told.until_handled(1)
            await daemon.told.until(lambda: where(dovecot, user) == {"Done": 1})
            assert sink.received == []
            settings.write_text(open_)
            assert await steering.reload() == []
            await asyncio.to_thread(sink.wait_for, 1)

    asyncio.run(run())


def test_a_new_secret_is_read_and_one_that_is_gone_refuses_the_reload(
    daemon: Daemon,
) -> None:
    settings = daemon.folder / "postroom.toml"

    async def run() -> None:
        move_to(daemon, "A")
        async with steered(daemon) as steering:
            before = settings.read_text()
            settings.write_text(before.replace("/word", "/absent"))
            (problem,) = await steering.reload()
            assert "absent can't be read" in problem
            os.replace(daemon.word, daemon.folder / "absent")
            assert await steering.reload() == []

    asyncio.run(run())


def test_a_paused_account_is_not_watched_until_it_is_resumed(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    async def run() -> None:
        move_to(daemon, "A")
        async with steered(daemon) as steering:
            hold = Hold(HoldKind.ACCOUNT, "home", "later", SystemClock().now())
            await steering.hold(hold)
            assert not steering.service.stations
            dovecot.deliver(user, make_raw())
            assert await steering.reload() == []
            assert not steering.service.stations
            assert where(dovecot, user) == {"INBOX": 1}
            assert await steering.release(HoldKind.ACCOUNT, "home")
            await daemon.told.until_handled(1)

    asyncio.run(run())
    assert where(dovecot, user) == {"A": 1}


def test_a_paused_rule_keeps_what_comes_to_it_waiting(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    async def run() -> None:
        move_to(daemon, "A")
        async with steered(daemon) as steering:
            hold = Hold(HoldKind.RULE, "it", "paused", SystemClock().now())
            await steering.hold(hold)
            dovecot.deliver(user, make_raw())
            store = steering.service.assembly.store
            await daemon.told.until(lambda: daemon.told.waits("INBOX") >= 2)
            assert (await store.summary()).waiting == {"it": 1}
            assert await steering.release(HoldKind.RULE, "it")
            await daemon.told.until_handled(1)

    asyncio.run(run())
    assert where(dovecot, user) == {"A": 1}


def test_a_reload_goes_on_though_nobody_waits_for_it(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    async def run() -> None:
        move_to(daemon, "A")
        async with steered(daemon) as steering:
            move_to(daemon, "B")
            waiting = asyncio.create_task(steering.reload())
            await asyncio.sleep(0)
            waiting.cancel()
            assert await steering.reload() == []
            dovecot.deliver(user, make_raw())
            await daemon.told.until_handled(1)

    asyncio.run(run())
    assert where(dovecot, user) == {"B": 1}


def test_who_pauses_and_resumes_at_once_has_one_station(daemon: Daemon) -> None:
    async def run() -> None:
        move_to(daemon, "A")
        async with steered(daemon) as steering:
            hold = Hold(HoldKind.ACCOUNT, "home", "later", SystemClock().now())
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(steering.hold(hold))
                    group.create_task(steering.release(HoldKind.ACCOUNT, "home"))
                    group.create_task(steering.reload())
            assert list(steering.service.stations) == ["home"]
            tasks = [each.get_name() for each in asyncio.all_tasks()]
            assert tasks.count("account home") == 1

    asyncio.run(run())


def test_a_store_that_is_busy_refuses_the_reload(daemon: Daemon) -> None:
    async def run() -> None:
        move_to(daemon, "A")
        async with steered(daemon) as steering:
            path = store_path(steering.service.assembly.configuration)
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                (problem,) = await steering.reload()
                other.execute("ROLLBACK")
            assert "lock" in problem
            assert await steering.reload() == []

    asyncio.run(run())


def test_an_account_that_is_renamed_goes_on_where_it_was(
    daemon: Daemon, dovecot: DovecotServer, user: str, sink: RecordingSmtp
) -> None:
    """What was at work for it has ended before it gets its other name."""
    settings = daemon.folder / "postroom.toml"
    count = 40

    async def run() -> None:
        daemon.rules('[[rule]]\nname = "x"\nthen = [{ forward = "a@kept.test" }]')
        async with steered(daemon) as steering:
            for name, before in (("casa", "home"), ("home", "casa")):
                for _ in range(count):
                    dovecot.deliver(user, make_raw())
                text = settings.read_text()
                settings.write_text(
                    text.replace(f"account.{before}", f"account.{name}")
                )
                assert await steering.reload() == []
                assert list(steering.service.stations) == [name]
            await daemon.told.until_handled(2 * count)
            await asyncio.to_thread(sink.wait_for, 2 * count)

    asyncio.run(run())
    assert len(sink.received) == 2 * count


def test_what_is_kept_and_how_much_stays_free_need_no_restart(
    daemon: Daemon, user: str
) -> None:
    settings = daemon.folder / "postroom.toml"

    async def run() -> None:
        move_to(daemon, "A")
        async with steered(daemon) as steering:
            text = settings.read_text()
            assert "[postroom]" in text
            options = 'keep_content = "3d"\nkeep_ledger = "40d"\nfree_space = "999999G"'
            settings.write_text(text.replace("[postroom]", f"[postroom]\n{options}"))
            assert await steering.reload() == []
            kept = steering.service.keeper.table()
            assert (kept.keep_content.days, kept.keep_ledger.days) == (3, 40)
            lookout = steering.service.assembly.lookout
            assert not await lookout.may_fetch("home")
            assert "less than 999999G is free" in lookout.shortages[0]

    asyncio.run(run())
