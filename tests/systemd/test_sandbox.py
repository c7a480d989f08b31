"""What the unit keeps a plugin from, whatever that plugin tries."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.systemd.machine import Machine
from tests.systemd.resident import Resident

# Tries each thing once, and says how it went.
PLUGIN = """
import json
import os
import shutil
import socket
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

from postroom import hookimpl

TRIES = {
    "write to /etc": lambda: Path("/etc/postroom/mine").write_text("mine"),
    "write to /usr": lambda: Path("/usr/mine").write_text("mine"),
    "read /home": lambda: os.listdir("/home/ann"),
    "read /root": lambda: os.listdir("/root"),
    "read the password's file": lambda: Path("/etc/postroom/secrets/home").read_text(),
    "see another process": lambda: Path("/proc/1/status").read_text(),
    "open a raw socket": lambda: socket.socket(
        socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP
    ),
    "open a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "become root": lambda: os.setuid(0),
    "change the mode of a program": lambda: os.chmod("/var/lib/postroom/run", 0o4755),
    "run a program of its own": lambda: subprocess.run(["/var/lib/postroom/run"]),
    "run a program in /tmp": lambda: subprocess.run(
        [shutil.copy("/var/lib/postroom/run", "/tmp/run")]
    ),
    "run a program of another's": lambda: subprocess.run(["/srv/bin/run"]),
    "mount": lambda: subprocess.run(
        ["/usr/bin/mount", "-t", "tmpfs", "none", "/mnt"], check=True
    ),
    "write to its state": lambda: Path("/var/lib/postroom/mine").write_text("mine"),
    "write to /tmp": lambda: Path("/tmp/mine").write_text("mine"),
    "run an allowed program": lambda: subprocess.run(["/usr/bin/true"], check=True),
}


def attempt(what):
    try:
        TRIES[what]()
    except (OSError, subprocess.CalledProcessError) as error:
        return type(error).__name__
    return "done"


@hookimpl
def lifespan(options):
    return trying()


@asynccontextmanager
async def trying():
    program = Path("/var/lib/postroom/run")
    program.write_text("#!/bin/sh\\ntrue\\n")
    program.chmod(0o755)
    Path("/var/lib/postroom/tried.json").write_text(
        json.dumps({what: attempt(what) for what in TRIES})
    )
    yield
"""

ALLOWED = {"write to its state", "write to /tmp", "run an allowed program"}

MISCHIEF = '''
from pathlib import Path

from postroom import Condition, hookimpl


class Writes(Condition):
    """Writes where it may not."""

    depth = "headers"

    def holds(self, message):
        return bool(Path("/etc/postroom/mine").write_text("mine"))


@hookimpl
def register_conditions(register):
    register("writes", Writes)
'''

RULES = """
[[rule]]
name = "Mischief"
when.subject = "plan"
when.writes = true
then = [ { move = "Mischief" } ]

[[rule]]
name = "Bills are filed"
when.subject = "bill"
then = [ { move = "Bills" } ]
"""


@pytest.fixture
def tried(resident: Resident) -> Mapping[str, str]:
    """What came of each thing that a plugin tried."""
    resident.machine.write("/home/ann/diary", "dear diary")
    resident.machine.write("/srv/bin/run", "#!/bin/sh\ntrue\n", 0o755)
    resident.write_plugin(PLUGIN)
    resident.start()
    told = resident.machine.run("cat", "/var/lib/postroom/tried.json")
    tried: dict[str, str] = json.loads(told)
    return tried


def test_a_plugin_can_do_what_it_is_for_and_nothing_else(
    tried: Mapping[str, str],
) -> None:
    assert {what for what, how in tried.items() if how == "done"} == ALLOWED


def test_what_a_plugin_may_not_is_reported_and_delays_its_own_messages_alone(
    resident: Resident,
) -> None:
    resident.write_plugin(MISCHIEF)
    resident.write_rules(RULES)
    resident.start()
    resident.deliver("plan", 1)
    resident.deliver("bill", 2)
    resident.wait_until_filed("Bills", 1)
    resident.machine.wait_for("Permission denied", resident.unit)


def test_a_program_of_the_machine_may_print_the_password(
    resident: Resident, machine: Machine
) -> None:
    """`command:` runs what stands in /usr, as the unit's user."""
    settings = machine.root / "etc/postroom/postroom.toml"
    told = f"command:/usr/bin/printf %s {resident.dovecot.password}"
    settings.write_text(settings.read_text().replace("credential:home", told))
    resident.start()
    resident.deliver("bill", 1)
    resident.wait_until_filed("Bills", 1)


def test_a_program_from_elsewhere_may_not_and_the_start_says_so(
    resident: Resident, machine: Machine
) -> None:
    machine.write("/srv/bin/secret", "#!/bin/sh\necho secret\n", 0o755)
    settings = machine.root / "etc/postroom/postroom.toml"
    told = "command:/srv/bin/secret"
    settings.write_text(settings.read_text().replace("credential:home", told))
    machine.systemctl("start", resident.unit, status=1)
    assert resident.shown("ExecMainStatus") == "78"
    assert "Permission denied" in machine.systemctl("status", resident.unit, status=3)
