"""A daemon that stalls under systemd: it is ended, says where it hung, and goes on."""

from __future__ import annotations

from tests.servers.programs import wait_until
from tests.systemd.resident import Resident

# Holds the event loop for ever at the sight of a file, which it takes away before.
PLUGIN = '''
import time
from pathlib import Path

from postroom import Condition, hookimpl

SPELL = Path("/var/lib/postroom/spell")


class Spellbound(Condition):
    """Never holds."""

    depth = "headers"

    async def gather(self, messages, services):
        if SPELL.exists():
            SPELL.unlink()
            time.sleep(3600)

    def holds(self, message):
        return False


@hookimpl
def register_conditions(register):
    register("spellbound", Spellbound)
'''

RULES = """
[[rule]]
name = "Spellbound"
when.spellbound = true
then = [ { move = "Spell" } ]

[[rule]]
name = "Bills are filed"
when.subject = "bill"
then = [ { move = "Bills" } ]
"""

IMPATIENT = """
[Service]
WatchdogSec=6
"""


def test_a_loop_that_stands_still_is_ended_and_started_again(
    resident: Resident,
) -> None:
    resident.write_plugin(PLUGIN)
    resident.write_rules(RULES)
    resident.drop_in("impatient", IMPATIENT)
    resident.start()
    resident.deliver("bill", 1)
    resident.wait_until_filed("Bills", 1)
    resident.machine.run("touch", "/var/lib/postroom/spell")
    resident.deliver("bill", 2)
    resident.wait_until_filed("Bills", 2)
    assert resident.shown("NRestarts") == "1"
    said = [str(one["MESSAGE"]) for one in resident.machine.journal()]
    assert any("Watchdog timeout" in one for one in said)
    assert any("in gather" in one for one in said)


def test_one_that_has_nothing_to_do_lives_on(resident: Resident) -> None:
    """Twice as long as systemd waits, with a server that is down."""
    settings = resident.machine.root / "etc/postroom/postroom.toml"
    port = str(resident.dovecot.ports.imaps)
    settings.write_text(settings.read_text().replace(port, "9"))
    resident.drop_in("impatient", IMPATIENT)
    resident.start()
    first = resident.shown("MainPID")
    resident.machine.wait_for("watch_failed", resident.unit)
    began = int(resident.shown("ActiveEnterTimestampMonotonic"))

    def has_lived_on() -> bool:
        return int(resident.shown("WatchdogTimestampMonotonic")) > began + 12e6

    wait_until(has_lived_on, "signs of life for 12 s", 60)
    assert began == int(resident.shown("ActiveEnterTimestampMonotonic"))
    assert resident.shown("MainPID") == first
    assert resident.shown("NRestarts") == "0"
