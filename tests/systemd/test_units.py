"""What systemd says of the units, without running them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.systemd.units import (
    SYSTEM,
    TEMPLATE,
    USER,
    analyze,
    copy_runnable,
    value_of,
)

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)

# systemd rates in tenths: 11 is 1.1, on a scale that ends at 10.
BAR = 11


@pytest.mark.parametrize("unit", [SYSTEM, TEMPLATE])
def test_what_a_unit_may_do_is_rated_very_low(unit: Path) -> None:
    rated = analyze("security", "--offline=yes", f"--threshold={BAR}", unit)
    assert rated.returncode == 0, rated.stdout[-400:]


def test_the_bar_is_one_that_a_looser_unit_does_not_reach(tmp_path: Path) -> None:
    looser = tmp_path / SYSTEM.name
    text = SYSTEM.read_text()
    looser.write_text(text.replace("RestrictNamespaces=yes\n", ""))
    rated = analyze("security", "--offline=yes", f"--threshold={BAR}", looser)
    assert rated.returncode == 1


@pytest.mark.parametrize("unit", [SYSTEM, TEMPLATE, USER], ids=["system", "@", "user"])
def test_systemd_finds_nothing_to_say_of_a_unit(unit: Path, tmp_path: Path) -> None:
    mode = "--user" if unit == USER else "--system"
    copy = copy_runnable(unit, tmp_path)
    verified = analyze("verify", mode, "--man=no", "--recursive-errors=no", copy)
    assert verified.stderr + verified.stdout == ""
    assert verified.returncode == 0


def test_systemd_does_say_what_is_wrong_with_a_unit(tmp_path: Path) -> None:
    copy = copy_runnable(SYSTEM, tmp_path)
    copy.write_text(copy.read_text().replace("ProtectHome=yes", "ProtectHome=often"))
    verified = analyze("verify", "--man=no", "--recursive-errors=no", copy)
    assert "ignoring: often" in verified.stderr


def test_the_two_units_of_the_system_differ_in_whose_they_are_alone() -> None:
    """What is mended in one is mended in the other."""
    mine, others = (
        [line for line in unit.read_text().splitlines() if not line.startswith("#")]
        for unit in (SYSTEM, TEMPLATE)
    )
    assert len(mine) == len(others)
    differing = {
        a.partition("=")[0] for a, b in zip(mine, others, strict=True) if a != b
    }
    assert differing == {
        "Description",
        "ExecStart",
        "User",
        "ConfigurationDirectory",
        "StateDirectory",
        "RuntimeDirectory",
        "NoExecPaths",
    }


@pytest.mark.parametrize("unit", [SYSTEM, TEMPLATE, USER], ids=["system", "@", "user"])
def test_a_wrong_setting_is_not_tried_again(unit: Path) -> None:
    assert value_of(unit, "RestartPreventExitStatus") == ["78"]
