"""Every call to the kernel in a run, and its end or its failure at any of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.crash.bench import Bench, Place
from tests.crash.letters import KINDS
from tests.crash.verdict import Verdict
from tests.endtoend.strace import Point, points_of, traced

# What is on its way out or down, or comes in.
CALLS = (
    "write",
    "pwrite64",
    "sendto",
    "recvfrom",
    "fdatasync",
    "fsync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "connect",
)
NOTHING = Path(os.devnull)


def recording() -> list[str]:
    """The options that record these calls, and the names of files."""
    return ["-y", "-s", "200", "-e", f"trace={','.join(CALLS)}"]


def killing(point: Point) -> list[str]:
    """The options that end the process at this point."""
    return _injecting(point, "signal=SIGKILL")


def failing(point: Point, error: str) -> list[str]:
    """The options that have one call fail with this error."""
    return _injecting(point, f"error={error}")


def _injecting(point: Point, what: str) -> list[str]:
    call = point.call
    return ["-e", f"trace={call}", "-e", f"inject={call}:{what}:when={point.count}"]


@dataclass(frozen=True)
class Range:
    """Where points are tried: letters of all kinds at a place."""

    bench: Bench
    place: Place

    def record(self, into: Path) -> None:
        """Record a run that nothing happens to."""
        with self.bench.trial(self.place, KINDS.values()) as trial:
            trial.run(around=partial(traced, options=recording(), into=into))
            verdict = trial.verdict()
        assert not verdict.wrong, verdict.wrong

    def points(self, record: Path) -> list[Point]:
        """All points of such a run."""
        self.record(record)
        return points_of(record)

    def tried(self, options: Sequence[str], *, is_kill: bool = True) -> Verdict:
        """What comes of a run that this happens to."""
        with self.bench.trial(self.place, KINDS.values()) as trial:
            trial.run(around=partial(traced, options=options, into=NOTHING))
            # What failed may leave an outcome unknown, as a kill does.
            trial.kills += not is_kill
            return trial.drain()
