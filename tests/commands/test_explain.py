"""`postroom explain` shows the plan for a saved message, and why; it does nothing."""

from __future__ import annotations

from pathlib import Path

from tests.builders import make_raw
from tests.commands.workplace import Workplace


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
    assert "move: move to Invoices" in lines
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
    assert done.code == 78
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
