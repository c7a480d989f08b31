"""Machines that run postroom under systemd, for a mailbox of a real Dovecot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp
from tests.systemd.machine import Machine, booted, why_no_machine
from tests.systemd.resident import Resident
from tests.systemd.staging import stage
from tests.systemd.units import SYSTEM


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """postroom, as it is installed."""
    return stage(tmp_path_factory.mktemp("opt"))


@pytest.fixture(scope="module")
def machine(staged: Path, certificates: Certificates) -> Iterator[Machine]:
    """A machine with postroom and its unit."""
    if reason := why_no_machine():
        pytest.skip(reason)
    with booted(f"--bind-ro={staged}:/opt/postroom") as machine:
        machine.write("/etc/systemd/system/postroom.service", SYSTEM.read_text())
        machine.write("/etc/postroom/ca.pem", certificates.authority.read_text())
        yield machine


@pytest.fixture
def resident(
    machine: Machine, dovecot: DovecotServer, sink: RecordingSmtp
) -> Iterator[Resident]:
    """The postroom of a machine, set up for a new user of Dovecot; not started."""
    resident = Resident(machine, dovecot, dovecot.new_user(), sink)
    resident.settle_in()
    yield resident
    resident.move_out()
