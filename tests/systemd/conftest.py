"""Machines that run postroom under systemd, for a mailbox of a real Dovecot."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp
from tests.systemd.machine import Machine, booted, why_no_machine
from tests.systemd.packages import install
from tests.systemd.resident import Resident
from tests.systemd.staging import PYTHON, build_package


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package of this tree."""
    if why_no_package := _why_no_package():
        pytest.skip(why_no_package)
    return build_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def bare(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with Debian's packages, whose /srv/package has ours."""
    if reason := why_no_machine():
        pytest.skip(reason)
    known = tmp_path_factory.mktemp("known") / "dpkg"
    shutil.copytree("/var/lib/dpkg", known)
    # It names users whom the machine does not have.
    (known / "statoverride").unlink(missing_ok=True)
    packages = f"--bind-ro={package.parent}:/srv/package"
    with booted(
        "--overlay=/usr::/usr", f"--bind={known}:/var/lib/dpkg", packages
    ) as it:
        yield it


@pytest.fixture(scope="module")
def machine(bare: Machine, package: Path, certificates: Certificates) -> Machine:
    """A machine on which the package was installed, without any network."""
    install(bare, package.name)
    bare.write("/etc/postroom/ca.pem", certificates.authority.read_text())
    return bare


def _why_no_package() -> str | None:
    if not PYTHON.exists() or not shutil.which("dpkg-deb"):
        return "a package is built on Debian and its kin"
    modern = [
        str(PYTHON),
        "-c",
        "import sys, venv, ensurepip; assert sys.version_info > (3, 11)",
    ]
    if subprocess.run(modern, capture_output=True).returncode:
        return f"{PYTHON} is older than 3.11, or comes without venv"
    return None


@pytest.fixture
def resident(
    machine: Machine, dovecot: DovecotServer, sink: RecordingSmtp
) -> Iterator[Resident]:
    """The postroom of a machine, set up for a new user of Dovecot; not started."""
    resident = Resident(machine, dovecot, dovecot.new_user(), sink)
    resident.settle_in()
    yield resident
    resident.move_out()
