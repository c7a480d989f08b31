"""Files of the plugins folder are run only if nobody else could have written them."""

from __future__ import annotations

import os
import py_compile
import sys
from collections.abc import Callable, Iterator
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from postroom.errors import ConfigError
from postroom.hooks.discovery import discover_plugins

WEEKEND = '''
from __future__ import annotations
from dataclasses import dataclass
from pathlib import Path
from postroom import Condition, Message, hookimpl

Path(__file__).with_suffix(".ran").touch()

@dataclass
class Day:
    number: int

class Weekend(Condition):
    """The message arrived on a Saturday or Sunday."""
    first: int = 5
    def holds(self, message: Message) -> bool:
        return message.received.weekday() >= Day(self.first).number

@hookimpl
def register_conditions(register):
    register("weekend", Weekend)
'''
STRANGER = 4711
INSTALLED = discover_plugins().names


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "etc" / "plugins"
    path.mkdir(parents=True)
    yield path
    for name in [name for name in sys.modules if name.startswith("postroom_dropin_")]:
        del sys.modules[name]


def drop(folder: Path, name: str = "postroom_weekend.py", text: str = WEEKEND) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def refused(folder: Path) -> str:
    """What is told of the one problem; nothing of the folder was run."""
    with pytest.raises(ConfigError) as caught:
        discover_plugins(folder)
    (problem,) = caught.value.problems
    assert not [*folder.glob("*.ran")]
    return str(problem)


def test_a_file_is_a_plugin_without_packaging(folder: Path) -> None:
    drop(folder)
    plugins = discover_plugins(folder)
    assert plugins.names == (*INSTALLED, "weekend")
    registered = plugins.conditions["weekend"]
    assert registered.plugin == "weekend"
    assert registered.type.__module__ == "postroom_dropin_weekend"
    assert registered.type.model_validate(4).depth == "full"


def test_files_come_after_what_is_installed_by_name(folder: Path) -> None:
    for name in ("zeta.py", "postroom_alpha.py", "beta.py"):
        drop(folder, name, "")
    names = discover_plugins(folder).names
    assert names == (*INSTALLED, "alpha", "beta", "zeta")


def test_what_is_no_plugin_is_left_alone(folder: Path) -> None:
    for name in ("__init__.py", "_own.py", ".x.py", "test_weekend.py", "a.txt"):
        drop(folder, name, "raise SystemExit")
    (folder / "package").mkdir()
    assert discover_plugins(folder).names == INSTALLED


def test_there_need_be_no_folder(tmp_path: Path) -> None:
    assert discover_plugins(tmp_path / "plugins").names == INSTALLED


def test_a_taken_name_is_refused_before_the_file_is_run(folder: Path) -> None:
    path = drop(folder, "filter.py")
    told = refused(folder)
    assert told.startswith(f"plugin filter: {path}: the name is taken by postroom ")
    path.rename(folder / "weekend.py")
    drop(folder)
    with pytest.raises(
        ConfigError, match=r"weekend.py: the name is taken by .*weekend"
    ):
        discover_plugins(folder)


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_what_others_may_write_is_refused(folder: Path, mode: int) -> None:
    path = drop(folder)
    for place in (folder, folder.parent):
        place.chmod(mode)
        told = refused(folder)
        assert told == f"{folder}: others may write to {place}: chmod go-w it"
        place.chmod(0o755)
    path.chmod(mode)
    told = refused(folder)
    assert told == f"plugin weekend: others may write to {path}: chmod go-w it"
    path.chmod(0o644)
    assert "weekend" in discover_plugins(folder).names


def test_a_sticky_folder_above_is_safe_and_a_sticky_one_itself_is_not(
    folder: Path,
) -> None:
    drop(folder)
    folder.parent.chmod(0o1777)
    assert "weekend" in discover_plugins(folder).names
    (folder / "postroom_weekend.ran").unlink()
    folder.chmod(0o1777)
    assert "others may write to" in refused(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize(
    "choose",
    [lambda path: path, lambda path: path.parent, lambda path: path.parent.parent],
    ids=["file", "folder", "above"],
)
def test_what_belongs_to_someone_else_is_refused(
    folder: Path, choose: Callable[[Path], Path]
) -> None:
    place = choose(drop(folder))
    os.chown(place, STRANGER, STRANGER)
    told = refused(folder)
    assert told.endswith(f"{place} belongs to user {STRANGER}, who could change it")


def test_a_link_that_leads_out_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = drop(tmp_path, "outside.py")
    link = folder / "weekend.py"
    link.symlink_to(outside)
    told = refused(folder)
    assert told == (
        f"plugin weekend: {link} is a link that leads out of the folder, to {outside}"
    )
    assert not outside.with_suffix(".ran").exists()


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    drop(folder, "weekend.txt")
    (folder / "weekend.py").symlink_to("weekend.txt")
    assert "weekend" in discover_plugins(folder).names


def test_a_folder_may_be_a_link_to_a_safe_one(folder: Path, tmp_path: Path) -> None:
    drop(folder)
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "plugins"
    link.symlink_to(folder)
    assert "weekend" in discover_plugins(link).names
    (folder / "postroom_weekend.ran").unlink()
    folder.parent.chmod(0o777)
    assert f"others may write to {folder.parent}" in refused(link)
    folder.parent.chmod(0o755)
    link.parent.chmod(0o777)  # where the link itself could be changed
    assert f"others may write to {link.parent}" in refused(link)


@pytest.mark.parametrize("name", ["weekend.py", "link.py"])
def test_what_is_no_file_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    if name == "link.py":
        path.symlink_to("nowhere.py")
    else:
        path.mkdir()
    told = refused(folder)
    assert told.split(str(path))[1] in (" is no file", " leads nowhere")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plugins"
    path.touch()
    assert refused(path).startswith(f"{path}: {path} can't be read: Not a directory")


def test_a_name_that_can_be_no_plugins_is_refused(folder: Path) -> None:
    drop(folder, "week end.py")
    assert "expected letters, digits, _ or - in its name" in refused(folder)


def test_a_file_that_fails_is_named_and_the_others_are_looked_at(folder: Path) -> None:
    broken = drop(folder, "broken.py", "import no_such_module\n")
    drop(folder, "leaving.py", "raise SystemExit('bye')\n")
    drop(folder)
    with pytest.raises(ConfigError) as caught:
        discover_plugins(folder)
    first, second = map(str, caught.value.problems)
    assert first.startswith(f"plugin broken: broken: can't be loaded from {broken}: ")
    assert second == "plugin leaving: leaving: it tried to exit: bye"
    assert "postroom_dropin_broken" not in sys.modules
    assert (folder / "postroom_weekend.ran").exists()


def test_bytecode_is_neither_left_nor_believed(folder: Path) -> None:
    """Whoever could write to `__pycache__` could run anything."""
    path = drop(folder)
    planted = drop(folder, "planted.txt", "raise SystemExit('planted')")
    cached = cache_from_source(str(path))
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH  # believed as it is
    py_compile.compile(str(planted), cached, invalidation_mode=mode)
    assert "weekend" in discover_plugins(folder).names
    assert [each.name for each in Path(cached).parent.iterdir()] == [Path(cached).name]
