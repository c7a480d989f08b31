"""`postroom schema` prints a schema, or puts both where sample files look for them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from postroom.commands import schema
from postroom.commands.outcome import Exit
from postroom.config.jsonschema import rules_schema, settings_schema
from postroom.hooks.discovery import discover_plugins

PLUGIN = '''
from postroom import Condition, hookimpl

class Weekend(Condition):
    """At weekends."""
    def holds(self, message):
        return False

@hookimpl
def register_conditions(register):
    register("weekend", Weekend)
'''


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings, which need not be right, with a plugin beside them."""
    path = tmp_path / "postroom.toml"
    path.touch()
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "weekend.py").write_text(PLUGIN)
    return path


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings in any of the usual places."""
    monkeypatch.delenv("POSTROOM_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.usefixtures("nowhere")
def test_it_prints_one_that_a_program_can_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert schema.main("settings", None, False) == Exit.DONE
    assert json.loads(capsys.readouterr().out) == settings_schema()
    assert schema.main("rules", None, False) == Exit.DONE
    assert json.loads(capsys.readouterr().out) == rules_schema(discover_plugins())


def test_the_plugins_beside_the_settings_are_in_it(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema.main("rules", settings, False)
    assert "weekend" in capsys.readouterr().out


def test_both_are_written_beside_the_settings(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = settings.with_name("rules.schema.json")
    stale.write_text("{}")
    assert schema.main(None, settings, True) == Exit.DONE
    assert "weekend" in stale.read_text()
    written = settings.with_name("postroom.schema.json")
    assert json.loads(written.read_text()) == settings_schema()
    assert capsys.readouterr().out == f"{written} written.\n{stale} written.\n"


@pytest.mark.usefixtures("nowhere")
def test_without_settings_there_is_nowhere_to_write(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        schema.main("rules", None, True)
    assert ended.value.code == Exit.WRONG_CONFIGURATION
    assert "there are none: looked for" in capsys.readouterr().err


def test_a_file_that_can_not_be_written_is_told(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkdir(settings.with_name("rules.schema.json"))
    with pytest.raises(SystemExit):
        schema.main("rules", settings, True)
    assert "can't be written: Is a directory" in capsys.readouterr().err
