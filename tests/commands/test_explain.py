"""`postroom explain` shows the plan for a saved message, and why; it does nothing."""

from __future__ import annotations

import asyncio
import io
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from postroom.commands.explanation import Explanation, show_explanation
from postroom.mail.envelope import Envelope, Outgoing, Retry
from postroom.ports import Decision, Ruleset
from postroom.rules.effects import Send, Window
from postroom.rules.plan import ConditionTrace, Plan, PlannedEffect, RuleTrace
from postroom.service.clock import SystemClock
from postroom.store.database import open_store
from tests.builders import make_message, make_raw
from tests.commands.workplace import Workplace
from tests.endtoend.daemon import PROGRAM


def save(workplace: Workplace, raw: bytes) -> Path:
    """A file with a message."""
    path = workplace.folder / "message.eml"
    path.write_bytes(raw)
    return path


def test_the_plan_is_told_with_the_trace_of_why(workplace: Workplace) -> None:
    done = workplace.run("explain", save(workplace, make_raw(subject="Invoice 7")))
    assert done.code == 0
    lines = [line.strip() for line in done.out.splitlines() if line.strip()]
    assert lines[0] == "Invoice 7"
    assert lines[1] == "yes Invoices [all]"
    assert lines[2].startswith("holds  subject = 'invoice'")
    assert "saw Invoice 7" in lines[2]
    assert lines[3].startswith("holds  not from = '@spam.example'")
    assert "then   move: move to Invoices" in lines
    assert lines[-1].startswith("would be done")
    assert "+\\Seen; move to Invoices" in lines[-1]
    assert "Rest" not in done.out  # it is not asked
    assert not (workplace.folder / "state").exists()


def test_a_rule_that_does_not_match_is_told_too(workplace: Workplace) -> None:
    done = workplace.run("explain", save(workplace, make_raw(subject="Hello")))
    lines = [line.strip() for line in done.out.splitlines() if line.strip()]
    assert lines[1].split() == ["no", "Invoices", "[all]"]
    assert lines[2].startswith("fails  subject = 'invoice'")
    assert "+\\Flagged" in lines[-1]


def test_a_message_that_no_rule_wants_stays_where_it_is(workplace: Workplace) -> None:
    workplace.write(rules="")
    path = save(workplace, make_raw())
    done = workplace.run("explain", path, "--mailbox", "Lists/python")
    assert "nothing: it stays in Lists/python" in done.out


def test_who_was_answered_is_not_answered_again(workplace: Workplace) -> None:
    rule = '[[rule]]\nname = "away"\nthen = [{ reply = { text = "Away." } }]\n'
    workplace.write(rules=rule)
    raw = make_raw(to="me@ours.example", return_path="<ann@example.org>")
    path = save(workplace, raw)
    first = workplace.run("explain", path)
    assert "then  reply: send to ann@example.org" in first.out, first.out
    assert "the answer     Away.\n" in first.out
    answered = asyncio.run(_answer(workplace.folder / "state" / "postroom.db"))
    told = f"not sent: ann@example.org was answered on {answered:%Y-%m-%d}"
    for _ in range(2):  # it is not taken by being looked at
        done = workplace.run("explain", path, "--json")
        (explained,) = done.data
        assert explained["rules"][0]["effects"] == [f"reply: {told}"]
        assert (explained["effects"], explained["undone"]) == ([], [told])


async def _answer(path: Path) -> datetime:
    """Record an answer to Ann by the rule; when it was."""
    path.parent.mkdir(exist_ok=True)
    message = make_message()
    envelope = Envelope("me@ours.example", ("ann@example.org",))
    outgoing = Outgoing("home", envelope, b"x", "<x@y>", Retry.AT_MOST_ONCE)
    window = Window("away", "ann@example.org", timedelta(days=7))
    planned = PlannedEffect("k", "away", Send(outgoing, window))
    async with open_store(path, clock=SystemClock()) as store:
        run = await store.begin_run("live", Ruleset(()))
        await store.see([message], datetime.now(UTC))
        decision = Decision(message, Plan((planned,)))
        assert await store.commit(run, [decision], None) == ()
    return datetime.now(UTC)


def test_there_are_no_colours_where_there_is_no_terminal(workplace: Workplace) -> None:
    done = workplace.run("explain", save(workplace, make_raw(subject="Invoice 7")))
    assert "\x1b" not in done.out


def test_a_subject_can_not_act_on_the_terminal(workplace: Workplace) -> None:
    """Neither by its octets nor as markup, and no line is too long for it."""
    raw = make_raw(subject="\x1b[31m[bold]x[/] =?utf-8?q?=1B]0;y=07?= " + "z" * 300)
    done = workplace.run("explain", save(workplace, raw))
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "[bold]x[/]" in done.out.splitlines()[0]


def test_the_account_is_chosen(workplace: Workplace) -> None:
    path = save(workplace, make_raw())
    done = workplace.run("explain", path, "--account", "hoome")
    assert done.code == 2
    assert "home" in done.err
    assert workplace.run("explain", path, "--account", "home").code == 0


def test_a_file_that_is_not_there_is_told(workplace: Workplace) -> None:
    done = workplace.run("explain", workplace.folder / "none.eml")
    assert done.code == 1
    assert done.err == f"{workplace.folder}/none.eml can't be read: " + (
        "No such file or directory\n"
    )


def test_any_octets_are_explained(workplace: Workplace) -> None:
    for raw in (b"", b"\x00\xff" * 500, b"Subject: \x00\r\n\r\n"):
        done = workplace.run("explain", save(workplace, raw))
        assert done.code == 0
        assert "would be done" in done.out


def test_several_messages_are_explained_and_what_can_not_be_read_is_told(
    workplace: Workplace,
) -> None:
    first = save(workplace, make_raw(subject="Invoice 7"))
    second = workplace.folder / "second.eml"
    second.write_bytes(make_raw(subject="Hello"))
    done = workplace.run("explain", first, workplace.folder / "none.eml", second)
    assert done.code == 1
    assert "none.eml can't be read" in done.err
    lines = done.out.splitlines()
    assert lines.index(str(first)) < lines.index(str(second))
    assert done.out.count("would be done") == 2


def test_a_message_comes_in_from_a_pipe(workplace: Workplace) -> None:
    done = subprocess.run(
        [str(PROGRAM), "explain", "-", "--config", str(workplace.settings)],
        input=make_raw(subject="Invoice 7"),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert b"move to Invoices" in done.stdout


def test_programs_get_the_whole_trace(workplace: Workplace) -> None:
    path = save(workplace, make_raw(subject="Invoice 7"))
    done = workplace.run("explain", path, "--json", "--mailbox", "Lists")
    (told,) = done.data
    assert (told["subject"], told["mailbox"]) == ("Invoice 7", "Lists")
    assert told["effects"] == ["+\\Seen", "move to Invoices"]
    first = told["rules"][0]
    assert (first["rule"], first["matched"]) == ("Invoices [all]", True)
    subject = {"condition": "subject = 'invoice'", "holds": True, "seen": "Invoice 7"}
    assert first["conditions"][0] == subject
    assert told["waits"] == ""


def test_flags_are_as_if_it_had_come_with_them(workplace: Workplace) -> None:
    workplace.write(
        rules='[[rule]]\nname = "x"\nwhen.flag = "\\\\Seen"\nthen = [{ flag = true }]\n'
    )
    path = save(workplace, make_raw())
    assert "+\\Flagged" not in workplace.run("explain", path).out
    assert "+\\Flagged" in workplace.run("explain", path, "--flag", "seen").out


WIDE = Explanation(
    Path("mail.eml"),
    make_message(subject="Hello"),
    Plan(
        trace=(
            RuleTrace(
                "A rule",
                True,
                (ConditionTrace("subject = 'x'", True, "long " * 60),),
                ("move: move to Lists", "forward: refused: it goes round in circles"),
                "the rules after it are not asked",
            ),
        ),
        undone=("forward: refused: it goes round in circles",),
    ),
)


@pytest.mark.parametrize("width", [80, 140])
def test_on_a_terminal_what_is_long_is_wrapped_below_its_beginning(width: int) -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=True, color_system=None)
    show_explanation(console, WIDE, named=False)
    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    first = next(line for line in lines if "subject" in line)
    assert first.startswith("      holds  subject = 'x'  saw long")
    assert lines[lines.index(first) + 1].startswith(" " * 13 + "long")
    assert "      then   forward: refused: it goes round in circles" in lines
    assert lines[-1] == "and not        forward: refused: it goes round in circles"


def test_a_rule_that_is_held_is_told_with_the_reason(workplace: Workplace) -> None:
    """Nothing would be done yet, and what was asked before is shown."""
    command = [str(PROGRAM), "run", "--once", "--config", str(workplace.settings)]
    made = subprocess.run(command, capture_output=True, timeout=60)
    assert made.returncode == 1  # no server is there; the store is
    assert workplace.run("pause", "Rest").code == 0
    done = workplace.run("explain", save(workplace, make_raw()))
    assert done.code == 0
    assert "no  Invoices [all]" in done.out
    assert "not carried out: " in done.out
    assert "nothing yet: it waits, for rule 'Rest' is held: " in done.out
    ended = workplace.run("explain", save(workplace, make_raw()), "--json").data
    assert ended[0]["effects"] == []
    assert ended[0]["waits"].startswith("rule 'Rest' is held: ")


def test_an_effect_of_two_rules_is_named_once(workplace: Workplace) -> None:
    rule = '[[rule]]\nname = "{}"\nthen = [ {{ flag = true }} ]\n'
    workplace.write(rules=rule.format("a") + rule.format("b"))
    done = workplace.run("explain", save(workplace, make_raw()))
    assert done.out.endswith("would be done  +\\Flagged\n")
