"""What is shipped: the wheel holds what an installed postroom needs, and no more."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path, PurePath
from zipfile import ZipFile

import pytest

from tests.architecture import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel of this tree, freshly built."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(
        [*command, "-d", str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    (path,) = folder.glob("*.whl")
    return ZipFile(path)


def names_in(folder: str, pattern: str) -> set[str]:
    """The files in a folder of the project, relative to it."""
    base = ROOT / folder
    return {str(path.relative_to(base)) for path in base.rglob(pattern)}


def test_the_wheel_holds_every_module_and_nothing_beside_postroom(
    wheel: ZipFile,
) -> None:
    """`daemon` and `plugins` are roots of the source, not packages."""
    modules = {name for name in wheel.namelist() if name.endswith(".py")}
    assert modules == names_in("daemon", "*.py") | names_in("plugins", "*.py")
    tops = {PurePath(name).parts[0] for name in wheel.namelist()}
    shipped = {name for name in tops if not name.endswith(".dist-info")}
    assert shipped == {"postroom"} | names_in("plugins", "*.py")


def test_the_wheel_says_that_it_is_typed(wheel: ZipFile) -> None:
    assert "postroom/py.typed" in wheel.namelist()


def test_the_wheel_holds_the_sample_rules_byte_for_byte(wheel: ZipFile) -> None:
    """`postroom demo` runs from an installed wheel, too."""
    samples = sorted((ROOT / "rules.d").glob("*.toml"))
    assert samples
    for sample in samples:
        shipped = wheel.read(f"postroom/sample_rules/{sample.name}")
        assert shipped == sample.read_bytes()
    assert not [name for name in wheel.namelist() if name.endswith(".md")]


def test_each_bundled_plugin_has_its_entry_point(wheel: ZipFile) -> None:
    """Found as a stranger's plugins are, or not at all."""
    (name,) = (each for each in wheel.namelist() if each.endswith("entry_points.txt"))
    points = ConfigParser()
    points.read_string(wheel.read(name).decode())
    bundled = {Path(each).stem for each in names_in("plugins", "*.py")}
    assert set(points["postroom"].values()) == bundled
    assert points["console_scripts"]["postroom"] == "postroom.cli:main"


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").iterdir()))
def test_requirements_have_hashes_and_name_no_machine(file: Path) -> None:
    """They install the same files everywhere, from whatever index a user has."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    pinned = [line for line in lines if not line.startswith(" ")]
    assert pinned
    assert all("==" in line and line.endswith(" \\") for line in pinned)
    own = [line.strip().split(":")[0] for line in lines if line.startswith(" ")]
    assert {line for line in own if not line.startswith("#")} == {"--hash=sha256"}
    assert "://" not in file.read_text()
