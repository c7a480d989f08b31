"""What a program asks of the kernel, and its end by SIGKILL at any such request.

strace counts the calls of each thread for itself: a point is reached by the first
thread that makes a call for so many times since strace was attached.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.programs import find_program

# What changes files, and what passes through sockets.
CALLS = (
    "fdatasync",
    "fsync",
    "link",
    "linkat",
    "mkdir",
    "openat",
    "pwrite64",
    "recvfrom",
    "rename",
    "renameat",
    "renameat2",
    "sendmsg",
    "sendto",
    "unlink",
    "unlinkat",
    "utimensat",
    "write",
)

_CALL = re.compile(r"^(\d+) +(\w+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Point:
    """The start of a call: the so manieth that a thread makes."""

    call: str
    count: int

    def __str__(self) -> str:
        return f"{self.call} {self.count}"


def why_not_strace() -> str | None:
    """Why programs can't be traced here, or None if they can."""
    if find_program("strace") is None:
        return "strace is not installed"
    command = ["strace", "-o", "/dev/null", "true"]
    done = subprocess.run(command, capture_output=True, text=True)
    return f"ptrace is not allowed: {done.stderr.strip()}" if done.returncode else None


@contextmanager
def traced(pid: int, options: Sequence[str], into: Path) -> Iterator[None]:
    """Trace a process and its threads until it ends; so does the block."""
    command = ["strace", "-f", "-p", str(pid), "-o", str(into), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        told = tracer.stderr.readline()
        assert "attached" in told, told
        yield
        tracer.stderr.read()


def recording() -> list[str]:
    """The options that record all calls of interest, with the names of files."""
    return ["-y", "-s", "64", "-e", f"trace={','.join(CALLS)}"]


def killing(point: Point) -> list[str]:
    """The options that end the process at this point."""
    call = point.call
    injected = f"inject={call}:signal=SIGKILL:when={point.count}"
    return ["-e", f"trace={call}", "-e", injected]


def points_of(record: Path) -> list[Point]:
    """All points that a recorded process has passed."""
    counted = Counter(_CALL.findall(record.read_text()))
    most: dict[str, int] = {}
    for (_, call), count in sorted(counted.items()):
        most[call] = max(count, most.get(call, 0))
    return [Point(call, n + 1) for call in sorted(most) for n in range(most[call])]


def sample(points: Sequence[Point], each: int) -> list[Point]:
    """At most so many points of each call: the first, the last, and evenly between."""
    found: dict[Point, None] = {}
    for call in sorted({point.call for point in points}):
        mine = [point for point in points if point.call == call]
        steps = [round(n * (len(mine) - 1) / max(1, each - 1)) for n in range(each)]
        found.update(dict.fromkeys(mine[step] for step in steps))
    return list(found)
