"""How commands end: in plain words, with the code for it, and without secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from postroom.commands.outcome import telling_errors
from postroom.errors import ConfigError, PostroomError, Problem, StoreError
from postroom.log import register_secrets
from tests.commands.person import person_at
from tests.endtoend.daemon import PROGRAM


@pytest.fixture(autouse=True)
def secret() -> None:
    """A secret that is not to be shown."""
    register_secrets(["canary-7d1f"])


def end(error: BaseException) -> int:
    """The exit code for what was raised."""
    with pytest.raises(SystemExit) as ended, telling_errors():
        raise error
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError([Problem("a.toml", "word canary-7d1f\x1b[1m")]), 78),
        (StoreError("word canary-7d1f\x1b[1m"), 1),
        (ExceptionGroup("x", [StoreError("word canary-7d1f\x1b[1m")]), 1),
    ],
    ids=["config", "store", "group"],
)
def test_what_is_known_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    assert end(error) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "word [secret]\\x1b[1m" in err
    assert "Traceback" not in err


def test_a_mistake_of_our_own_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), telling_errors():
        raise ZeroDivisionError


def test_groups_in_groups_are_told_error_by_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    inner = ExceptionGroup("y", [StoreError("two"), StoreError("one")])
    assert end(ExceptionGroup("x", [StoreError("one"), inner])) == 1
    assert capsys.readouterr().err == "one\ntwo\n"


def test_a_wrong_configuration_in_a_group_is_not_started_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = ConfigError([Problem("a.toml", "word")])
    inner = ExceptionGroup("y", [wrong])
    assert end(ExceptionGroup("x", [StoreError("one"), inner])) == 78
    assert "a.toml: word\n" in capsys.readouterr().err


def test_a_mistake_among_known_errors_is_not_hidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is shown with its traceback, and without secrets."""
    mistake = RuntimeError("canary-7d1f\x1b[1m")
    inner = ExceptionGroup("y", [PostroomError("known"), mistake])
    assert end(ExceptionGroup("x", [inner])) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "RuntimeError: [secret]\\x1b[1m" in err
    assert err.endswith("\nknown\n")


def test_what_went_well_ends_with_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with telling_errors():
        pass
    assert capsys.readouterr() == ("", "")


def start(*command: str | Path, **environment: str) -> subprocess.Popen[bytes]:
    """A program with both of its outputs in pipes."""
    return subprocess.Popen(
        list(map(str, command)),
        env={**os.environ, "PYTHONUNBUFFERED": "", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


PRINTING = """
from postroom.commands.outcome import make_console, telling_errors
from postroom.errors import StoreError
with telling_errors():
    {console}
    print("\u2713 " * {count})
    {more}
"""
CONSOLE = 'make_console().print("é [x]", markup=False)'


def printing(count: int = 1, console: str = CONSOLE, more: str = "pass") -> list[str]:
    """A program that prints what is not ASCII, and ends."""
    text = PRINTING.format(count=count, console=console, more=more)
    return [sys.executable, "-c", text]


@pytest.mark.parametrize("console", ["pass", CONSOLE], ids=["alone", "console"])
@pytest.mark.parametrize("count", [1, 500_000], ids=["at the end", "on the way"])
def test_a_reader_that_has_gone_ends_it_without_a_word(
    count: int, console: str
) -> None:
    process = start(*printing(count, console))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(60) == 1


def test_a_locale_without_a_letter_gets_it_escaped() -> None:
    more = 'raise StoreError("caf\u00e9")'
    out, err = start(*printing(more=more), PYTHONIOENCODING="ascii").communicate()
    assert out.splitlines() == [b"\\xe9 [x]", b"\\u2713 "]
    assert err == b"caf\\xe9\n"


def test_a_mistake_of_our_own_is_shown_without_secrets() -> None:
    more = "from postroom.log import register_secrets; "
    more += "register_secrets(['canary-7d1f']); raise KeyError('canary-7d1f')"
    process = start(*printing(more=more))
    _, err = process.communicate()
    assert process.returncode == 1
    assert b"Traceback" in err
    assert b"KeyError: '[secret]'" in err


def test_there_are_no_colours_where_nobody_wants_them(tmp_path: Path) -> None:
    (tmp_path / "postroom.toml").write_text("[account]")
    command = [str(PROGRAM), "check", "--config", str(tmp_path / "postroom.toml")]
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    shown = []
    for wish in ({}, {"NO_COLOR": "1"}):
        with person_at(command, {**environment, **wish}) as person:
            assert person.leave() == 78
            shown.append(person.seen)
    coloured, plain = shown
    assert "\x1b[31m" in coloured
    # NO_COLOR is about colours: what is bold may be bold.
    assert "\x1b[3" not in plain
