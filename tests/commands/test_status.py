"""`postroom status` says how things stand, for people and for programs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from postroom.config.configuration import load_configuration
from postroom.errors import PluginError
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
from tests.commands.attended import store_of, with_store
from tests.commands.workplace import Ended, Workplace
from tests.store.samples import decide, message, plan

WATCH = 'watch = ["INBOX", "Lists/[/x]"]\n'


def remember(
    workplace: Workplace, *reports: WatchReport, failure: str = "", waits_for: str = ""
) -> None:
    """Put these into the store, and perhaps a message that could not be decided."""

    async def run(store: SqlStore) -> None:
        number = await store.begin_run("live", Ruleset(()))
        for report in reports:
            await store.report_watch(report)
            cursor = Cursor(7, 5, datetime.now(UTC) - timedelta(hours=3))
            await store.adopt(report.account, report.mailbox, cursor)
        if failure or waits_for:
            await store.see([message(9)], datetime.now(UTC))
            undecided = Decision(message(9), failure=failure, waits_for=waits_for)
            await store.commit(number, [undecided], None)

    with_store(workplace, run)


def hold(workplace: Workplace, kind: HoldKind, name: str, reason: str) -> None:
    """Hold an account or a rule for three hours."""
    since = datetime.now(UTC) - timedelta(hours=3)
    with_store(workplace, lambda store: store.hold(Hold(kind, name, reason, since)))


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


def line_of(word: str, done: Ended) -> str:
    """The only line with this word."""
    (line,) = [each for each in done.out.splitlines() if word in each]
    return line


def test_before_anything_was_run_it_says_so(workplace: Workplace) -> None:
    done = workplace.run("status")
    assert done.code == 1
    assert "nothing was run yet" in done.err
    assert not store_of(workplace).parent.exists()


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
    assert line_of("INBOX", done).split() == ["INBOX", "stopped", "3", "h", "ago"]
    assert "outbox: empty" in done.out


def test_while_it_runs_each_mailbox_has_its_state(workplace: Workplace) -> None:
    workplace.write(more=WATCH)
    remember(workplace, report("idle"), report("retrying", "no route", "Lists/[/x]"))
    done = while_running(workplace)
    assert done.code == 0, done
    assert "postroom is running, process " in done.out
    assert " idle " in line_of("INBOX", done)
    assert " retrying " in line_of("Lists/[/x]", done)
    assert "no route; again in 5 min" in line_of("Lists/[/x]", done)


def test_messages_are_counted_with_the_account(workplace: Workplace) -> None:
    """They are of no mailbox."""
    remember(workplace, report("idle"), failure="it failed")
    done = workplace.run("status")
    assert line_of("home ", done) == "home  1 seen"
    assert "seen" not in line_of("  INBOX ", done)


def test_only_what_is_watched_is_told_of(workplace: Workplace) -> None:
    """A mailbox that left the settings stays in the store."""
    workplace.write(more='watch = ["Lists"]\n')
    remember(workplace, report("idle"))
    done = workplace.run("status")
    assert "INBOX" not in done.out
    assert line_of("Lists", done).split() == ["Lists", "stopped", "never"]


def test_a_paused_account_says_why_and_since_when(workplace: Workplace) -> None:
    remember(workplace, report("idle"))
    hold(workplace, HoldKind.ACCOUNT, "home", "paused by its owner")
    done = while_running(workplace)
    assert "paused for 3 h: paused by its owner" in line_of("home ", done)
    assert " paused " in line_of("INBOX", done)
    account = while_running(workplace, "--json").data["accounts"]["home"]
    assert account["paused"]["reason"] == "paused by its owner"
    assert account["mailboxes"]["INBOX"]["state"] == "paused"


def test_a_held_rule_says_why_and_what_waits_for_it(workplace: Workplace) -> None:
    hold(workplace, HoldKind.RULE, "Rest", "its plugin hung")
    remember(workplace, waits_for="Rest")
    told = line_of("'Rest'", workplace.run("status"))
    assert "rule 'Rest' is held for 3 h: its plugin hung; 1 message waits" in told
    (rule,) = workplace.run("status", "--json").data["held_rules"]
    assert (rule["name"], rule["waiting"]) == ("Rest", 1)


def test_a_refused_account_needs_you(workplace: Workplace) -> None:
    remember(workplace, report("refused", "wrong password"))
    _, _, needs = while_running(workplace).out.partition("needs you\n")
    assert "account home was refused: wrong password: " in needs
    assert "`postroom resume home`" in needs


def test_lines_end_without_blanks_where_there_is_no_terminal(
    workplace: Workplace,
) -> None:
    remember(workplace, report("idle"))
    lines = workplace.run("status").out.splitlines()
    assert lines == [line.rstrip() for line in lines]


def test_a_notice_is_told(workplace: Workplace) -> None:
    with_store(workplace, lambda store: store.notice("reload", "2 problems"))
    assert "reload: 2 problems" in workplace.run("status").out
    assert workplace.run("status", "--json").data["notices"] == {"reload": "2 problems"}


def test_that_everything_outward_is_held_is_told(workplace: Workplace) -> None:
    workplace.settings.write_text(
        workplace.settings.read_text().replace("[postroom]", "[postroom]\nhold = true")
    )
    remember(workplace)
    assert "hold = true: nothing goes out" in workplace.run("status").out


def test_what_needs_a_person_is_told(workplace: Workplace) -> None:
    remember(workplace, failure=str(PluginError("filter", "it divided by zero")))
    done = workplace.run("status")
    assert "seen: home/INBOX UID 9 <9@example.org>: filter: it divided" in done.out


def test_what_a_server_said_can_not_act_on_the_terminal(workplace: Workplace) -> None:
    nasty = "[/] \x1b]0;owned\x07[bold]x"
    remember(workplace, report("retrying", nasty), failure=nasty)
    hold(workplace, HoldKind.RULE, "Rest", nasty)
    done = while_running(workplace)
    assert done.code == 0, done
    assert done.out.count("[/] \\x1b]0;owned\\x07[bold]x") == 3
    assert "\x1b" not in done.out


def test_programs_get_json(workplace: Workplace) -> None:
    remember(workplace, report("retrying", "[/] \x1b no route"), failure="it failed")
    done = while_running(workplace, "--json")
    assert done.code == 0
    data = done.data
    assert data["running"] is True
    assert isinstance(data["pid"], int)
    account = data["accounts"]["home"]
    mailbox = account["mailboxes"]["INBOX"]
    assert (mailbox["state"], mailbox["detail"]) == ("retrying", "[/] \x1b no route")
    assert datetime.fromisoformat(mailbox["retry_at"]) > datetime.now(UTC)
    assert datetime.fromisoformat(mailbox["checked"]) < datetime.now(UTC)
    assert account["messages"] == {"seen": 1}
    assert data["outbox"] == {}
    assert "it failed" in data["troubles"][0]


def test_json_before_the_first_run_is_json_too(workplace: Workplace) -> None:
    done = workplace.run("status", "--json")
    assert (done.code, done.data["running"], done.data["pid"]) == (0, False, None)
    assert done.data["accounts"]["home"]["mailboxes"]["INBOX"]["state"] == "stopped"
    assert not store_of(workplace).parent.exists()


def test_json_tells_that_nothing_runs(workplace: Workplace) -> None:
    remember(workplace, report("idle"))
    assert workplace.run("status", "--json").data["running"] is False


def test_asking_changes_nothing(workplace: Workplace) -> None:
    remember(workplace, report("idle"))
    before = store_of(workplace).read_bytes()
    workplace.run("status")
    assert store_of(workplace).read_bytes() == before


def test_where_there_is_no_terminal_a_watch_is_told_once(workplace: Workplace) -> None:
    remember(workplace, report("idle"))
    done = workplace.run("status", "--watch")
    assert done.code == 0
    assert done.out.count("postroom is") == 1
    assert "\x1b" not in done.out
    assert "it is told once" in done.err


@pytest.mark.parametrize("pair", [("--watch", "--json"), ("--json", "--monitor")])
def test_one_way_of_telling_is_chosen(
    workplace: Workplace, pair: tuple[str, str]
) -> None:
    assert workplace.run("status", *pair).code == 2


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_pop3_account_is_told_how_what_failed_is_tried_again(
    workplace: Workplace, kind: str
) -> None:
    """On another the message can be moved out and back in."""
    text = workplace.settings.read_text()
    workplace.settings.write_text(text.replace("imap = ", f"{kind} = "))

    async def fail(store: SqlStore) -> None:
        save = Perform("{}", action="save")
        await decide(store, (message(1), plan("k", save)))
        (due,) = await store.due_performs(datetime.now(UTC), 9)
        await store.begin_perform(due.id)
        await store.finish_performs([PerformResult(due.id, EffectState.FAILED, "no")])

    with_store(workplace, fail)
    told = "`postroom release Invoices` has it tried again"
    assert (told in workplace.run("status").out) is (kind == "pop3")
