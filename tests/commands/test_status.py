"""`postroom status` says how things stand, for people and for programs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from postroom.config.configuration import load_configuration
from postroom.errors import PluginError
from postroom.ports import Cursor, Decision, Ruleset, WatchReport
from postroom.service.clock import SystemClock
from postroom.service.opening import STORE_NAME, open_service
from postroom.store.database import open_store
from postroom.store.store import SqlStore
from tests.commands.workplace import Ended, Workplace
from tests.store.samples import message


def stored(folder: Path) -> Path:
    """Where the store is."""
    return folder / "state" / STORE_NAME


def remember(workplace: Workplace, *reports: WatchReport, failure: str = "") -> None:
    """Put these into the store, and perhaps a message that could not be decided."""

    async def run(store: SqlStore) -> None:
        number = await store.begin_run("live", Ruleset(()))
        for report in reports:
            await store.report_watch(report)
            cursor = Cursor(7, 5, datetime.now(UTC) - timedelta(hours=3))
            await store.adopt(report.account, report.mailbox, cursor)
        if failure:
            await store.see([message(9)], datetime.now(UTC))
            await store.commit(number, [Decision(message(9), failure=failure)], None)

    async def open_and_run() -> None:
        path = stored(workplace.folder)
        async with open_store(path, clock=SystemClock()) as store:
            await run(store)

    asyncio.run(open_and_run())


def while_running(workplace: Workplace, *arguments: str) -> Ended:
    """The status while a daemon has the store open."""

    async def run() -> Ended:
        configuration = load_configuration(workplace.settings)
        async with open_service(configuration):
            return await asyncio.to_thread(workplace.run, "status", *arguments)

    return asyncio.run(run())


def report(state: str, detail: str = "", mailbox: str = "INBOX") -> WatchReport:
    """A report of now."""
    now = datetime.now(UTC)
    retry_at = now + timedelta(minutes=5, seconds=30) if detail else None
    return WatchReport("home", mailbox, state, detail, now, retry_at)


def test_before_anything_was_run_it_says_so(workplace: Workplace) -> None:
    done = workplace.run("status")
    assert done.code == 1
    assert "nothing was run yet" in done.err
    assert not stored(workplace.folder).parent.exists()


def test_wrong_settings_are_told(workplace: Workplace) -> None:
    workplace.settings.write_text("[postroom]\n")
    assert workplace.run("status").code == 78


def test_wrong_rules_do_not_keep_it_from_telling(workplace: Workplace) -> None:
    remember(workplace, report("idle"))
    workplace.write(rules="[[rule]\n")
    assert workplace.run("status").code == 0


def test_what_does_not_run_is_stopped(workplace: Workplace) -> None:
    """Whatever the watchers said when they still lived."""
    remember(workplace, report("idle"))
    done = workplace.run("status")
    assert done.code == 0
    assert "postroom is not running" in done.out
    (line,) = [each for each in done.out.splitlines() if "INBOX" in each]
    assert line.split()[:3] == ["home", "INBOX", "stopped"]
    assert "3 h ago" in line
    assert "outbox: empty" in done.out


def test_while_it_runs_each_mailbox_has_its_state(workplace: Workplace) -> None:
    remember(workplace, report("idle"), report("retrying", "no route", "Lists/[/x]"))
    done = while_running(workplace)
    assert done.code == 0, done
    assert "postroom is running, process " in done.out
    lines = {line.split()[1]: line for line in done.out.splitlines() if "home" in line}
    assert " idle " in lines["INBOX"]
    assert " retrying " in lines["Lists/[/x]"]
    assert "no route; again in 5 min" in lines["Lists/[/x]"]


def test_what_needs_a_person_is_told(workplace: Workplace) -> None:
    remember(workplace, failure=str(PluginError("filter", "it divided by zero")))
    done = workplace.run("status")
    assert "seen: home/INBOX UID 9 <9@example.org>: filter: it divided" in done.out


def test_what_a_server_said_can_not_act_on_the_terminal(workplace: Workplace) -> None:
    nasty = "[/] \x1b]0;owned\x07[bold]x"
    remember(workplace, report("retrying", nasty), failure=nasty)
    done = while_running(workplace)
    assert done.code == 0, done
    assert done.out.count("[/] \\x1b]0;owned\\x07[bold]x") == 2
    assert "\x1b" not in done.out


def test_programs_get_json(workplace: Workplace) -> None:
    remember(workplace, report("retrying", "[/] \x1b no route"), failure="it failed")
    done = while_running(workplace, "--json")
    assert done.code == 0
    data = done.data
    (mailbox,) = data["mailboxes"]
    assert isinstance(data["pid"], int)
    assert (mailbox["account"], mailbox["mailbox"]) == ("home", "INBOX")
    assert (mailbox["state"], mailbox["detail"]) == ("retrying", "[/] \x1b no route")
    assert datetime.fromisoformat(mailbox["retry_at"]) > datetime.now(UTC)
    assert datetime.fromisoformat(mailbox["checked"]) < datetime.now(UTC)
    assert data["messages"] == {"home": {"seen": 1}}
    assert data["outbox"] == {}
    assert "it failed" in data["troubles"][0]


def test_json_tells_that_nothing_runs(workplace: Workplace) -> None:
    remember(workplace, report("idle"))
    assert workplace.run("status", "--json").data["pid"] is None


def test_asking_changes_nothing(workplace: Workplace) -> None:
    remember(workplace, report("idle"))
    before = stored(workplace.folder).read_bytes()
    workplace.run("status")
    assert stored(workplace.folder).read_bytes() == before
