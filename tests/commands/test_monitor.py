"""`postroom status --monitor` is a monitoring plugin, and `--watch` a live table."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import UTC, datetime, timedelta

from rich.console import Console

from postroom.commands.status.live import watch
from postroom.commands.status.standing import Standing, look
from postroom.config.configuration import load_configuration
from postroom.ports import (
    Cursor,
    Decision,
    EffectState,
    Hold,
    HoldKind,
    PerformResult,
    Ruleset,
    WatchReport,
)
from postroom.rules.effects import Perform
from postroom.service.opening import open_service
from postroom.store.store import SqlStore
from tests.commands.attended import with_store
from tests.commands.workplace import Ended, Workplace
from tests.store.samples import decide, message, plan

# The line, then the numbers: https://www.monitoring-plugins.org/doc/guidelines.html
LINE = re.compile(r"POSTROOM (\w+) - ([^|\n]+)\|((\w+=\d+ ?)+)\n")


def monitor(workplace: Workplace) -> Ended:
    """What a monitor is told while a daemon has the store open."""

    async def run() -> Ended:
        async with open_service(load_configuration(workplace.settings)):
            return await asyncio.to_thread(workplace.run, "status", "--monitor")

    return asyncio.run(run())


def told(done: Ended) -> tuple[str, str, dict[str, int]]:
    """The verdict, why, and the numbers, of which the exit code is one."""
    found = LINE.fullmatch(done.out)
    assert found, done
    pairs = (pair.split("=") for pair in found[3].split())
    assert done.code == ("OK", "WARNING", "CRITICAL", "UNKNOWN").index(found[1])
    return found[1], found[2], {name: int(count) for name, count in pairs}


def remember(
    workplace: Workplace, state: str, detail: str = "", minutes: float = 0
) -> None:
    """Have INBOX in this state, last looked at so long ago."""

    async def run(store: SqlStore) -> None:
        now = datetime.now(UTC)
        await store.report_watch(WatchReport("home", "INBOX", state, detail, now, now))
        checked = now - timedelta(minutes=minutes)
        await store.adopt("home", "INBOX", Cursor(7, 5, checked))

    with_store(workplace, run)


def test_all_is_well(workplace: Workplace) -> None:
    remember(workplace, "idle")
    verdict, why, numbers = told(monitor(workplace))
    assert (verdict, why) == ("OK", "1 mailbox watched")
    assert (numbers["accounts"], numbers["mailboxes"]) == (1, 1)
    assert sum(numbers.values()) == 2  # there is nothing else


def test_no_daemon_is_critical(workplace: Workplace) -> None:
    remember(workplace, "idle")
    verdict, why, _ = told(workplace.run("status", "--monitor"))
    assert (verdict, why) == ("CRITICAL", "no daemon runs")


def test_before_the_first_run_it_is_critical_too(workplace: Workplace) -> None:
    assert told(workplace.run("status", "--monitor"))[0] == "CRITICAL"


def test_what_fails_is_a_warning_and_critical_after_a_quarter_of_an_hour(
    workplace: Workplace,
) -> None:
    remember(workplace, "retrying", "no | route\n", minutes=14)
    verdict, why, numbers = told(monitor(workplace))
    assert (verdict, numbers["failing"]) == ("WARNING", 1)
    assert why == "home/INBOX retrying for 14 min: no / route"
    remember(workplace, "retrying", "no | route\n", minutes=16)
    verdict, why, _ = told(monitor(workplace))
    assert verdict == "CRITICAL"
    assert why == "home/INBOX retrying for 16 min: no / route"


def test_a_refused_password_is_critical_at_once(workplace: Workplace) -> None:
    remember(workplace, "refused", "wrong password")
    verdict, why, _ = told(monitor(workplace))
    assert verdict == "CRITICAL"
    assert why.endswith(": wrong password")


def test_one_that_could_never_be_read_is_told(workplace: Workplace) -> None:
    now = datetime.now(UTC)
    failing = WatchReport("home", "INBOX", "retrying", "no route", now, now)
    with_store(workplace, lambda store: store.report_watch(failing))
    verdict, why, _ = told(monitor(workplace))
    assert (verdict, why) == ("WARNING", why)
    assert why.startswith("home/INBOX retrying for ")


def test_what_is_held_is_a_warning(workplace: Workplace) -> None:
    remember(workplace, "idle")
    hold = Hold(HoldKind.RULE, "Rest", "its plugin hung", datetime.now(UTC))
    with_store(workplace, lambda store: store.hold(hold))
    verdict, why, numbers = told(monitor(workplace))
    assert (verdict, why) == ("WARNING", "rule 'Rest' is held: its plugin hung")
    assert numbers["held_rules"] == 1


def test_a_paused_account_is_a_warning_however_long(workplace: Workplace) -> None:
    remember(workplace, "retrying", "no route", minutes=60)
    hold = Hold(HoldKind.ACCOUNT, "home", "paused by its owner", datetime.now(UTC))
    with_store(workplace, lambda store: store.hold(hold))
    verdict, why, _ = told(monitor(workplace))
    assert (verdict, why) == (
        "WARNING",
        "account home is paused: paused by its owner",
    )


def test_a_quarantined_message_is_a_warning(workplace: Workplace) -> None:
    async def run(store: SqlStore) -> None:
        number = await store.begin_run("live", Ruleset(()))
        await store.see([message(9)], datetime.now(UTC))
        wrong = Decision(message(9), failure="it failed", final=True)
        await store.commit(number, [wrong], None)

    with_store(workplace, run)
    verdict, why, numbers = told(monitor(workplace))
    assert (verdict, numbers["quarantined"]) == ("WARNING", 1)
    assert "1 quarantined" in why


def test_wrong_settings_are_unknown_to_a_monitor(workplace: Workplace) -> None:
    workplace.settings.write_text("[postroom]\n")
    done = workplace.run("status", "--monitor")
    assert done.code == 3
    assert done.out.startswith("POSTROOM UNKNOWN - ")
    assert done.out.count("\n") == 1


def test_a_watch_shows_it_anew_until_ctrl_c(workplace: Workplace) -> None:
    """Which is no failure."""
    remember(workplace, "idle")
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80, height=40)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        workplace.settings.write_text(
            workplace.settings.read_text().replace("[account.home]", "[account.anew]")
        )
        if len(pauses) == 2:
            raise KeyboardInterrupt

    def look_again() -> Standing:
        return look(workplace.settings)

    assert watch(console, look_again, pause) == 0
    assert pauses == [2.0, 2.0]
    assert "home" in shown.getvalue()
    assert "anew" in shown.getvalue()


def test_what_can_not_be_performed_yet_is_a_warning(workplace: Workplace) -> None:
    remember(workplace, "idle")

    async def delay(store: SqlStore) -> None:
        now = datetime.now(UTC)
        save = Perform("{}", action="save", told="save \x1b[1mit")
        await decide(store, (message(1), plan("k", save)))
        (due,) = await store.due_performs(now, 9)
        await store.begin_perform(due.id)
        again = now + timedelta(minutes=5, seconds=30)
        late = PerformResult(due.id, EffectState.PLANNED, "the disk is full", again)
        await store.finish_performs([late])

    with_store(workplace, delay)
    verdict, why, numbers = told(monitor(workplace))
    assert (verdict, why, numbers["unperformed"]) == ("WARNING", "1 unperformed", 1)
    out = workplace.run("status").out
    assert "save \\x1b[1mit: the disk is full" in " ".join(out.split())
    assert "\x1b" not in out
    (delayed,) = workplace.run("status", "--json").data["delayed"]
    assert (delayed["rule"], delayed["reason"]) == ("Invoices", "the disk is full")
