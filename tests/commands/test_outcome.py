"""How commands end: in plain words, with the code for it, and without secrets."""

from __future__ import annotations

import pytest

from postroom.commands.outcome import telling_errors
from postroom.errors import ConfigError, PostroomError, Problem, StoreError
from postroom.log import register_secrets


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
