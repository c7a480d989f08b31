"""A plugin that fails in any way delays what it is asked about, and nothing else.

Message 5, whose subject is Lunch, comes to the hostile rule; all others are moved.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.endtoend import impatient
from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import PROGRAM, Daemon
from tests.endtoend.oracle import make_mail, observe
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

PLUGIN = """
import asyncio
import re
from postroom import Action, Condition, Perform, hookimpl

class Hostile(Condition):
    \"\"\"Does its worst at the sight of one subject.\"\"\"
    depth = "headers"

    async def gather(self, messages, services):
        {gather}

    def holds(self, message):
        if message.subject == "Lunch":
            {holds}
        return message.subject == "Lunch"

class Harm(Action):
    \"\"\"Does its worst when it is to act.\"\"\"
    depth = "headers"

    def effects(self, message):
        {effects}

    async def perform(self, payload, services):
        {perform}

@hookimpl
def register_conditions(register):
    register("hostile", Hostile)

@hookimpl
def register_actions(register):
    register("harm", Harm)
"""

JOURNAL = """
from postroom import Action, Perform, hookimpl

class Journal(Action):
    \"\"\"Appends the subject to a file.\"\"\"
    depth = "headers"

    def effects(self, message):
        yield Perform(message.subject + "\\n")

    async def perform(self, payload, services):
        await services.files.append("journal", payload.encode())

@hookimpl
def register_actions(register):
    register("journal", Journal)
"""

RULES = """
[[rule]]
name = "others"
when.not.subject = "Lunch"
then = [ { move = "Handled" } ]

[[rule]]
name = "hostile"
when.hostile = true
then = [ { harm = true } ]
"""

HOLD_THE_LOCK = 're.match("(a|a)*$", "a" * 60 + "b")'
EAT = "eaten = [bytes(10**7) for _ in range(10**5)]"
ALL = range(9)
LUNCH = 5

Install = Callable[[Daemon, str], None]
Prepare = Callable[..., tuple[str, Daemon]]


def hostile(**ways: str) -> str:
    """The source of the plugin, with these ways to be hostile."""
    parts = ("gather", "holds", "effects", "perform")
    source = PLUGIN.format(**{part: ways.get(part, "pass") for part in parts})
    return (
        source
        if "effects" in ways
        else source.replace(
            "def effects(self, message):\n        pass",
            "def effects(self, message):\n        return []",
        )
    )


def install(daemon: Daemon, name: str, source: str) -> Path:
    """Drop a plugin into the folder beside the settings."""
    folder = daemon.folder / "plugins"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(source)
    return folder / f"{name}.py"


@pytest.fixture
def prepare(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> Prepare:
    """A user with nine messages, and a daemon with the hostile plugin."""

    def prepare(rules: str = RULES, **ways: str) -> tuple[str, Daemon]:
        user = dovecot.new_user()
        dovecot.backlog(user, map(make_mail, ALL))
        daemon = make_daemon(user, plain(sink), "process", rules=rules)
        install(daemon, "acme", hostile(**ways))
        return user, daemon

    return prepare


def places(dovecot: DovecotServer, user: str) -> dict[int, str]:
    """Where each message is."""
    return {number: name for name, number, _ in observe(dovecot.mailboxes(user))}


OTHERS_MOVED = {n: "INBOX" if n == LUNCH else "Handled" for n in ALL}


def run_until_quarantined(daemon: Daemon) -> str:
    """Run until a message is quarantined, at the third try; what `status` says then."""
    for _ in range(3):
        done = daemon.command("run", "--once")
        status = daemon.command("status").stdout
        if "quarantined:" in status:
            return status
    raise AssertionError(done.stderr)


@pytest.mark.parametrize(
    "ways",
    [
        {"holds": "raise LookupError('nothing there')"},
        {"holds": "raise SystemExit(3)"},
        {"gather": "raise LookupError('nothing there')"},
        {"effects": "raise LookupError('nothing there')"},
        {"effects": "return None"},
        {"effects": "return 'nonsense'"},
        {"effects": "return [object()]"},
    ],
    ids=lambda ways: "-".join(f"{k}:{v}" for k, v in ways.items()),
)
def test_a_message_at_which_a_plugin_fails_is_quarantined_and_no_other(
    dovecot: DovecotServer, prepare: Prepare, ways: dict[str, str]
) -> None:
    user, daemon = prepare(**ways)
    status = run_until_quarantined(daemon)
    assert places(dovecot, user) == OTHERS_MOVED
    assert f"quarantined: home/INBOX UID {LUNCH + 1} <{LUNCH}@tests>" in status
    assert "acme" in status


def test_a_plugin_that_eats_memory_fails_and_the_others_go_on(
    dovecot: DovecotServer, prepare: Prepare
) -> None:
    user, daemon = prepare(holds=EAT)
    command = [str(PROGRAM), "run", "--once", "--config", str(daemon.settings)]
    for _ in range(4):
        subprocess.run(
            ["prlimit", f"--as={1500 * 1024**2}", *command],
            env={"PATH": "/usr/bin:/bin", **daemon.environment},
            capture_output=True,
            timeout=100,
        )
    status = daemon.command("status").stdout
    assert places(dovecot, user) == OTHERS_MOVED
    assert "MemoryError" in status


@pytest.mark.parametrize(
    "ways",
    [
        {"holds": "\n            while True: pass"},
        {"holds": "__import__('threading').Event().wait()"},
        {"effects": "\n        while True: pass"},
    ],
    ids=["loop", "wait", "effects"],
)
def test_a_rule_that_hangs_is_held_and_named_and_can_be_released(
    dovecot: DovecotServer, prepare: Prepare, ways: dict[str, str]
) -> None:
    user, daemon = prepare(**ways)
    daemon.command("run", "--once")
    assert places(dovecot, user) == OTHERS_MOVED
    status = daemon.command("status").stdout
    assert "hostile" in status
    assert "took longer than 10 s" in status
    install(daemon, "acme", hostile(effects="return []"))
    assert daemon.command("release", "hostile").returncode == 0
    daemon.command("run", "--once")
    status = daemon.command("status").stdout
    assert "hostile" not in status
    assert "quarantined" not in status


def test_a_rule_whose_condition_never_gathers_lets_the_others_go_on(
    dovecot: DovecotServer, prepare: Prepare
) -> None:
    user, daemon = prepare(gather="await asyncio.Event().wait()")
    daemon.command("run", "--once")
    assert places(dovecot, user) == OTHERS_MOVED
    assert "took longer than 10 s" in daemon.command("status").stdout


def test_a_perform_that_hangs_delays_those_of_its_plugin_only(
    dovecot: DovecotServer, prepare: Prepare
) -> None:
    """The message is filed, another plugin performs, and the daemon can be stopped."""
    rules = """
    [[rule]]
    name = "all"
    then = [ { harm = true }, { journal = true }, { move = "Handled" } ]
    """
    hang = """
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass"""
    user, daemon = prepare(rules, effects="yield Perform()", perform=hang)
    install(daemon, "journal", JOURNAL)
    daemon.start()
    daemon.wait_for("performed", len(ALL))
    assert daemon.stop() == 0
    assert set(places(dovecot, user).values()) == {"Handled"}
    journal = daemon.folder / "state/plugins/journal/journal"
    assert len(journal.read_text().splitlines()) == len(ALL)


@pytest.mark.parametrize(
    "ways",
    [
        {"holds": HOLD_THE_LOCK},
        {
            "gather": "\n        while 'Lunch' in [m.subject for m in messages]: pass",
        },
        {"effects": HOLD_THE_LOCK},
    ],
    ids=["holds", "gather", "effects"],
)
def test_code_that_keeps_the_interpreter_to_itself_ends_in_quarantine(
    dovecot: DovecotServer, prepare: Prepare, ways: dict[str, str]
) -> None:
    """The watchdog ends the process; the message was counted before."""
    user, daemon = prepare(**ways)
    program = [sys.executable, impatient.__file__, str(daemon.settings), "5"]
    ends = [
        subprocess.run(
            program,
            env={"PYTHONPATH": ":".join(sys.path), **daemon.environment},
            capture_output=True,
            timeout=100,
        ).returncode
        for _ in range(4)
    ]
    assert ends[-1] == 0, ends
    assert set(ends[:-1]) <= {0, 1}
    assert places(dovecot, user) == OTHERS_MOVED
    status = daemon.command("status").stdout
    assert f"quarantined: home/INBOX UID {LUNCH + 1} <{LUNCH}@tests>" in status


def test_the_rule_of_a_plugin_that_is_gone_is_held_until_it_is_back(
    dovecot: DovecotServer, prepare: Prepare
) -> None:
    user, daemon = prepare(effects="return []")
    daemon.run_once()
    dovecot.backlog(user, map(make_mail, range(9, 18)))
    plugin = daemon.folder / "plugins" / "acme.py"
    plugin.rename(daemon.folder / "away")
    daemon.run_once(status=1)
    moved = {n: "INBOX" if n % 9 == LUNCH else "Handled" for n in range(18)}
    assert places(dovecot, user) == moved
    status = daemon.command("status").stdout
    assert "hostile" in status
    assert "acme" in status
    (daemon.folder / "away").rename(plugin)
    install(daemon, "acme", hostile(effects="yield Perform()"))
    daemon.run_once()
    assert "hostile" not in daemon.command("status").stdout
