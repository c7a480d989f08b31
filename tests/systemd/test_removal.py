"""What is left on a machine when the package has gone."""

from __future__ import annotations

from pathlib import Path

from tests.systemd.machine import Machine
from tests.systemd.packages import apt, install
from tests.systemd.resident import Resident


def test_removed_it_leaves_settings_and_state_and_purged_what_is_not_ours(
    resident: Resident,
) -> None:
    resident.start()
    resident.deliver("bill", 1)
    resident.wait_until_filed("Bills", 1)
    machine = resident.machine
    apt(machine, "remove", "postroom")
    assert not (machine.root / "opt/postroom").exists()
    assert not (machine.root / "usr/bin/postroom").is_symlink()
    assert resident.shown("ActiveState") == "inactive"
    sample = machine.root / "etc/postroom/postroom.toml.sample"
    assert sample.exists()
    told = apt(machine, "purge", "postroom")
    assert "/var/lib/postroom is left" in told
    assert not sample.exists()
    assert (machine.root / "etc/postroom/postroom.toml").exists()
    assert (machine.root / "var/lib/private/postroom/postroom.db").exists()


def test_a_machine_that_never_ran_it_is_as_before_when_it_is_purged(
    bare: Machine, package: Path
) -> None:
    bare.run("dpkg", "--purge", "postroom", status=None)
    bare.run("rm", "-rf", "/etc/postroom", "/var/lib/postroom", "/var/lib/private")
    before = listed(bare)
    install(bare, package.name)
    assert "/opt/postroom/bin/postroom" in listed(bare)
    apt(bare, "purge", "postroom")
    assert listed(bare) <= before


def listed(machine: Machine) -> set[str]:
    """What stands where packages write, but for what apt notes for itself."""
    places = ("/etc", "/opt", "/usr/bin", "/usr/lib/systemd", "/usr/share/man")
    found = machine.run("find", *places, "/var/lib/postroom", status=None)
    return set(found.splitlines())
