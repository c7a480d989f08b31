"""No password gets out, whatever the servers, the plugins and our own mistakes do.

Every octet that the program writes is searched: outputs, the store, the state folder.
"""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.endtoend.daemon import PROGRAM
from tests.endtoend.echoing import Manner, echoing
from tests.endtoend.oracle import make_mail
from tests.servers.dovecot import DovecotServer

IMAP = "canary-imap-zq7d1f"
SMTP = 'canary"smtp\\ é2b/+'
PLUGIN = "canary-plugin-zq93ae"

ACCOUNT = """
[account.{name}]
address = "{address}"
password = "{password}"
imap = {{ host = "127.0.0.1", port = {imap}, tls = "none" }}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", password = "env:SMTP_WORD" }}
existing = "process"
"""

MANNERS: tuple[Manner, ...] = ("refuse", "defer", "accept", "leave", "babble")

RULES = """
[[rule]]
name = "forward"
then = [ { forward = "books@kept.test" } ]
"""

# It gives a secret, and then speaks of it wherever it can.
PLUGIN_SOURCE = f"""
from postroom import Condition, hookimpl

class Blabbing(Condition):
    \"\"\"It fails, and says what it should not.\"\"\"

    depth = "headers"

    def holds(self, message):
        raise RuntimeError("I know {PLUGIN}")

@hookimpl
def register_conditions(register):
    register("blabbing", Blabbing)

@hookimpl
def resolve_secret(reference):
    return "{PLUGIN}" if reference == "canary:other" else None
"""

# A mistake of our own, deep in the daemon, with a secret in what it says.
PLANTED = """
from postroom.service import supervisor

async def run_once(self):
    password = "{canary}"
    raise KeyError(f"no such thing: {{password}}")

supervisor.Service.run_once = run_once
"""


@dataclass
class Place:
    """A folder with settings, and all that commands have written there."""

    folder: Path
    outputs: list[bytes]
    words: dict[str, str]

    def write(self, accounts: list[str], rules: str = RULES) -> None:
        """Write settings and rules."""
        state = f'[postroom]\nstate = "{self.folder}/state"\n'
        (self.folder / "postroom.toml").write_text(state + "".join(accounts))
        (self.folder / "rules.d").mkdir()
        (self.folder / "rules.d" / "10.toml").write_text(rules)
        (self.folder / "mail.eml").write_bytes(make_mail(5))

    def install(self, source: str) -> None:
        """Install a plugin, as pip would."""
        info = self.folder / "site" / "acme-1.0.dist-info"
        info.mkdir(parents=True)
        (self.folder / "site" / "postroom_acme.py").write_text(source)
        metadata = "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text("[postroom]\nacme = postroom_acme\n")

    def run(self, *arguments: str) -> int:
        """Run a command, and keep all that it writes."""
        environment = {
            **os.environ,
            **self.words,
            "POSTROOM_CONFIG": str(self.folder / "postroom.toml"),
            "PYTHONPATH": str(self.folder / "site"),
        }
        command = [str(PROGRAM), *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=100
        )
        self.outputs += [done.stdout, done.stderr]
        return done.returncode

    def run_all(self) -> None:
        """Everything that a person may look at, and the daemon itself."""
        self.run("check", "--connect")
        self.run("check", "--connect", "--json")
        self.run("run", "--once", "--log-level", "debug")
        self.run("run", "--once", "--log-level", "debug", "--log-format", "console")
        self.run("status")
        self.run("status", "--json")
        self.run("explain", str(self.folder / "mail.eml"))

    def written(self) -> bytes:
        """All of it: what was shown, and the files of the state."""
        files = [path for path in (self.folder / "state").rglob("*") if path.is_file()]
        return b"\n".join([*self.outputs, *(path.read_bytes() for path in files)])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder, and a plugin that gives a secret."""
    place = Place(tmp_path, [], {"IMAP_WORD": IMAP, "SMTP_WORD": SMTP})
    place.install(PLUGIN_SOURCE)
    return place


def traces_of(secret: str) -> Iterator[bytes]:
    """The secret, and what base64 makes of it wherever it stands in other octets."""
    yield secret.encode()
    for before in range(3):
        encoded = b64encode(b"\0" * before + secret.encode() + b"\0" * 3)
        yield encoded[4 : 4 * ((before + len(secret.encode())) // 3)]
    parts = ("2b/+", "zq7d1f", "zq93ae")
    yield from (part.encode() for part in parts if part in secret)


def found_in(written: bytes) -> list[bytes]:
    """The traces of all secrets in what was written."""
    every = (trace for secret in (IMAP, SMTP, PLUGIN) for trace in traces_of(secret))
    return [trace for trace in every if trace in written]


def account(
    name: str,
    imap: int,
    smtp: int,
    address: str = "me@ours.example",
    password: str = "env:IMAP_WORD",
) -> str:
    """The table of an account."""
    return ACCOUNT.format(
        name=name, imap=imap, smtp=smtp, address=address, password=password
    )


def served(name: str, dovecot: DovecotServer, smtp: int) -> str:
    """The table of an account for which one message is there."""
    user = dovecot.new_user()
    dovecot.backlog(user, [make_mail(5)])
    address = dovecot.address(user)
    return account(name, dovecot.ports.imap, smtp, address, "env:DOVECOT_WORD")


def test_servers_that_repeat_a_password_find_nobody_who_repeats_it(
    place: Place,
) -> None:
    passwords = ("env:IMAP_WORD", "canary:other")
    with ExitStack() as servers:
        place.write(
            [
                account(
                    f"{manner}-{scheme.partition(':')[0]}",
                    servers.enter_context(echoing("imap", manner)),
                    servers.enter_context(echoing("smtp", manner)),
                    password=scheme,
                )
                for manner in MANNERS
                for scheme in passwords
            ]
        )
        place.run_all()
    written = place.written()
    assert written.count(b"[secret]") > 2 * len(MANNERS)
    assert found_in(written) == []


def test_what_a_relay_says_of_a_password_is_not_stored(
    place: Place, dovecot: DovecotServer
) -> None:
    """Mail is there to be sent, so that its words come into the store."""
    place.words["DOVECOT_WORD"] = dovecot.password
    with ExitStack() as servers:
        place.write(
            [
                served(name, dovecot, servers.enter_context(echoing("smtp", name)))
                for name in MANNERS[:3]
            ]
        )
        place.run_all()
    written = place.written()
    assert b"message_handled" in written
    assert found_in(written) == []


def test_what_a_plugin_says_of_a_password_is_not_stored(
    place: Place, dovecot: DovecotServer
) -> None:
    place.words["DOVECOT_WORD"] = dovecot.password
    rules = '[[rule]]\nname = "x"\nwhen.blabbing = true\nthen = [ { flag = true } ]\n'
    other = account("other", 9, 9, password="canary:other")
    place.write([served("home", dovecot, 9), other], rules)
    for _ in range(2):
        place.run("run", "--once", "--log-level", "debug")
    place.run_all()
    written = place.written()
    assert b"I know [secret]" in written
    assert found_in(written) == []


@pytest.mark.parametrize("canary", [IMAP, PLUGIN])
def test_the_traceback_of_a_mistake_of_our_own_shows_no_password(
    place: Place, canary: str
) -> None:
    source = place.folder / "site" / "postroom_acme.py"
    source.write_text(PLUGIN_SOURCE + PLANTED.format(canary=canary))
    other = account("other", 9, 9, "other@ours.example", "canary:other")
    place.write([account("home", 9, 9), other])
    assert place.run("run", "--once") == 1
    shown = b"\n".join(place.outputs)
    assert b"Traceback" in shown
    assert b"no such thing: [secret]" in shown
    assert found_in(place.written()) == []


def test_a_leak_would_be_found() -> None:
    """In each of its forms: a search that finds nothing would be no test."""
    for secret in (IMAP, SMTP, PLUGIN):
        assert found_in(f"a {secret} b".encode())
        for user in ("", "a", "an", "ann"):
            assert found_in(b64encode(f"\0{user}\0{secret}".encode()))
