"""The Debian package: what it is made of, and how a new one takes over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.systemd.packages import install
from tests.systemd.resident import Resident
from tests.systemd.staging import run, with_version


def test_lintian_finds_no_error(package: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    run("lintian", "--fail-on", "error", "--suppress-tags", "no-manual-page", package)


def test_nothing_of_it_names_the_place_where_it_was_built(package: Path) -> None:
    tree = package.parent / "opened"
    run("dpkg-deb", "--extract", package, tree)
    program = tree / "opt/postroom/bin/postroom"
    assert program.read_text().startswith("#!/opt/postroom/bin/python3 -I\n")
    for path in (*(tree / "opt/postroom/bin").iterdir(), *(tree / "usr").rglob("*")):
        if path.is_file() and not path.is_symlink():
            assert b"/build/" not in path.read_bytes(), path


def test_a_new_one_takes_over_with_queued_work_and_loses_nothing(
    resident: Resident, package: Path
) -> None:
    """What could not be sent before goes out after it, once."""
    resident.sink.refusals["ann@example.com"] = "451 4.3.0 later"
    resident.start()
    resident.deliver("plan", 1, 2)
    resident.deliver("bill", 1)
    resident.wait_until_filed("Bills", 1)
    resident.machine.wait_for("delivery_delayed", resident.unit)
    first = resident.shown("MainPID")
    resident.sink.refusals.clear()
    newer = with_version(package, "99.0")
    install(resident.machine, newer.name)
    assert resident.shown("ActiveState") == "active"
    assert resident.shown("MainPID") != first
    resident.machine.run("postroom", "outbox", "retry", "1", "2")
    resident.sink.wait_for(2, 60)
    resident.deliver("bill", 2)
    resident.wait_until_filed("Bills", 2)
    assert len(resident.sink.received) == 2
