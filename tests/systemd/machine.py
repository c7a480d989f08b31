"""A machine with a real systemd: a container whose root is empty but for /usr.

It shares the network of the host, so that the servers of the tests are on its loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.servers.programs import ServerFailed, shared_folder, wait_until

_ID = "0123456789abcdef0123456789abcdef\n"


@dataclass(frozen=True)
class Machine:
    """A booted container: its first process, as the host numbers it."""

    leader: int

    @property
    def root(self) -> Path:
        """Its root, as the host sees it."""
        return Path("/proc", str(self.leader), "root")

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        """Write a file of root's there, and the folders that lead to it."""
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def run(self, *command: str, status: int | None = 0, seconds: float = 60) -> str:
        """What a command prints there; it must end with `status`, if not None."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", *command],
            capture_output=True,
            text=True,
            timeout=seconds,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
        )
        told = f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert status is None or done.returncode == status, told
        return done.stdout

    def systemctl(self, *arguments: str, status: int | None = 0) -> str:
        """What `systemctl` prints there."""
        return self.run("systemctl", *arguments, status=status, seconds=120)

    def show(self, unit: str) -> Mapping[str, str]:
        """The properties of a unit."""
        lines = self.systemctl("show", unit).splitlines()
        return {key: value for key, _, value in (each.partition("=") for each in lines)}

    def journal(self, *matches: str) -> Sequence[Mapping[str, Any]]:
        """The entries of the journal that match, each with its fields."""
        self.run("journalctl", "--sync")
        lines = self.run("journalctl", "--output=json", "--all", *matches).splitlines()
        return [json.loads(line) for line in lines]

    def wait_for(self, text: str, unit: str, seconds: float = 60) -> None:
        """Return when a unit has said this in the journal."""
        has_said = partial(self._has_said, text, unit)
        wait_until(has_said, f"{text!r} of {unit}", seconds)

    def _has_said(self, text: str, unit: str) -> bool:
        return any(text in str(one["MESSAGE"]) for one in self.journal("-u", unit))


@contextmanager
def booted(*options: str) -> Iterator[Machine]:
    """A machine until the end of the block; `options` are those of systemd-nspawn."""
    with shared_folder("machine") as folder:
        identity, console = folder / "machine-id", folder / "console"
        identity.write_text(_ID)
        command = [
            *("systemd-nspawn", "--directory=/", "--volatile=yes", "--boot"),
            *("--register=no", "--keep-unit", "--console=pipe", "--quiet"),
            f"--machine=postroom-{os.getpid()}",
            # With an identity it asks nobody to set it up.
            f"--bind-ro={identity}:/etc/machine-id",
            *options,
            *("--", "--unit=basic.target"),
        ]
        with console.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            yield _await_boot(process, console)
        finally:
            _power_off(process)


def _await_boot(process: subprocess.Popen[bytes], console: Path) -> Machine:
    def has_booted() -> bool:
        if process.poll() is not None:
            raise AssertionError(f"no machine:\n{console.read_text()[-2000:]}")
        leader = _leader(process.pid)
        return leader is not None and _is_up(Machine(leader))

    wait_until(has_booted, f"a machine: {console.read_text()[-2000:]}", 60)
    leader = _leader(process.pid)
    assert leader is not None
    return Machine(leader)


def _is_up(machine: Machine) -> bool:
    state = machine.run("systemctl", "is-active", "basic.target", status=None)
    return state.strip() == "active"


def _leader(manager: int) -> int | None:
    path = Path(f"/proc/{manager}/task/{manager}/children")
    children = path.read_text().split() if path.exists() else []
    # Before it is that, its first process is one of the manager's own.
    named = [
        each for each in children if _name(each).startswith(("systemd\n", "init\n"))
    ]
    return int(named[0]) if named else None


def _name(process: str) -> str:
    try:
        return Path("/proc", process, "comm").read_text()
    except OSError:
        return ""


def _power_off(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@cache
def why_no_machine() -> str | None:
    """Why no machine can be booted here, or None if that can be done."""
    if os.geteuid() != 0:
        return "a machine is booted by root only"
    for program in ("systemd-nspawn", "nsenter"):
        if not shutil.which(program):
            return f"{program} is not installed"
    try:
        with booted():
            return None
    except (AssertionError, ServerFailed, OSError) as error:
        return f"no machine can be booted here: {error}"
