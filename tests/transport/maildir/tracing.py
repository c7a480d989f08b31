"""Programs run under strace: what they ask of the system, or killed in the middle."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

_LINE = re.compile(r"[0-9]+ +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)")
_PRELUDE = """
import asyncio, os, sys
from pathlib import Path
from postroom.rules.effects import SetFlags
from tests.transport.maildir.letters import letter, letters, mailbox, prepared
root = Path(sys.argv[1])
def phase(name): os.access("/phase-" + name, os.F_OK)
"""


class Call(NamedTuple):
    """A system call that has returned: its name, and its arguments as strace has them,
    with the paths of descriptors."""

    name: str
    told: str


@cache
def why_not() -> str:
    """Why nothing can be traced here; empty if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "tracing is not allowed here"


def trace(program: str, root: Path, log: Path) -> dict[str, list[Call]]:
    """The calls that change files, in the order of their returns, by phase; what comes
    before the first phase is left out."""
    calls = (
        "fsync,linkat,unlinkat,renameat,renameat2,rename,access,faccessat2,getdents64"
    )
    _run(
        ["-y", "-o", str(log), "-e", f"trace={calls}"], program, root
    ).check_returncode()
    phases: dict[str, list[Call]] = {}
    current: list[Call] = []
    for call in _calls(log.read_text()):
        if found := re.search(r'"/phase-(\w+)"', call.told):
            current = phases.setdefault(found[1], [])
        else:
            current.append(call)
    return phases


def is_killed(program: str, root: Path, at: str) -> bool:
    """Run the program, and kill it when it makes this call, such as `linkat:when=2`."""
    call, _, when = at.partition(":")
    inject = f"inject={call}:signal=SIGKILL:{when}"
    # Not traced, nothing of that call would be injected.
    run = _run(["-o", "/dev/null", "-e", f"trace={call}", "-e", inject], program, root)
    return run.returncode == -9


def tell_refused(program: str, root: Path, call: str, only: str | None) -> str:
    """Run the program, and refuse it this call, `only` for a file of the root or for
    any, as a disk does that fails; what it tells then."""
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:error=EIO"]
    path = ["-P", str(root / only)] if only else []
    return _run(["-o", "/dev/null", *path, *inject], program, root).stderr


def _run(
    options: list[str], program: str, root: Path
) -> subprocess.CompletedProcess[str]:
    text = textwrap.dedent(_PRELUDE) + textwrap.dedent(program)
    command = ["strace", "-f", *options, sys.executable, "-c", text, str(root)]
    return subprocess.run(
        command, text=True, stderr=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )


def _calls(log: str) -> Iterator[Call]:
    """Calls that are interrupted by those of other threads are told in two lines."""
    begun: dict[str, str] = {}
    for line in log.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        thread, told = line.split(" ", 1)[0], found[2]
        if told.endswith("<unfinished ...>"):
            begun[thread] = told
        else:
            yield Call(found[1], begun.pop(thread, "") + told)
