"""`postroom plugins new` writes a plugin that works as it is."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from postroom.commands import newplugin
from postroom.commands.outcome import Exit
from postroom.hooks.discovery import discover_plugins
from tests.architecture import ROOT


def make(folder: Path, name: str = "weekend") -> Path:
    assert newplugin.main(name, folder) == Exit.DONE
    return folder / name


def test_it_has_a_module_a_test_its_packaging_and_a_manual(tmp_path: Path) -> None:
    place = make(tmp_path)
    assert sorted(os.listdir(place)) == [
        *("README.md", "postroom_weekend.py", "pyproject.toml", "test_weekend.py")
    ]
    project = tomllib.loads((place / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["postroom"] == {"weekend": "postroom_weekend"}
    assert not [text for text in place.iterdir() if "$" in text.read_text()]


def test_its_test_passes(tmp_path: Path) -> None:
    place = make(tmp_path, "late_mail")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/daemon:{ROOT}/plugins"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_it_can_be_dropped_into_the_folder_of_plugins(tmp_path: Path) -> None:
    place = make(tmp_path)
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    for file in ("postroom_weekend.py", "test_weekend.py"):
        (place / file).rename(folder / file)
    plugins = discover_plugins(folder)
    assert plugins.conditions["weekend"].plugin == "weekend"
    assert plugins.actions["weekend"].plugin == "weekend"


def test_it_is_clean_and_typed(tmp_path: Path) -> None:
    place = make(tmp_path)
    config = str(ROOT / "pyproject.toml")
    for tool in (
        ["ruff", "check", "--config", config],
        ["ruff", "format", "--check", "--config", config],
        ["mypy", "--config-file", config],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *tool, "."],
            cwd=place,
            env={**os.environ, "MYPYPATH": f"{ROOT}/daemon"},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stdout


def test_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weekend").mkdir()
    (tmp_path / "weekend" / "mine").write_text("precious")
    with pytest.raises(SystemExit) as ended:
        newplugin.main("weekend", tmp_path)
    assert ended.value.code == Exit.FAILED
    assert "is there already; nothing was written" in capsys.readouterr().err
    assert os.listdir(tmp_path / "weekend") == ["mine"]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Weekend", "expected 2 to 30 small letters"),
        ("../etc", "expected 2 to 30 small letters"),
        ("", "expected 2 to 30 small letters"),
        ("a-b", "expected 2 to 30 small letters"),
        ("not", "the word has a meaning of its own"),
        ("import", "the word has a meaning of its own"),
        ("filing", "there is a plugin of that name"),
        ("subject", "plugin filter brings condition 'subject'"),
        ("move", "plugin filing brings action 'move'"),
    ],
)
def test_a_name_that_can_not_be_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, complaint: str
) -> None:
    assert newplugin.main(name, tmp_path) == Exit.USAGE
    assert complaint in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_folder_that_can_not_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        newplugin.main("weekend", tmp_path / "file")
    assert "can't be written: Not a directory" in capsys.readouterr().err
