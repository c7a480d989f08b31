"""Killed or failed at calls to the kernel: nothing is lost, nothing is done twice.

`CRASH` is how many points of each call are tried, or `all`; `CRASH_DIR` names a
file in which the campaign notes them, to go on there the next time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.bench import OVER_IMAP, OVER_POP3, Bench, Place, opened_bench
from tests.crash.syscalls import Range, Results, failing, killing
from tests.endtoend.strace import Point, sample, why_not_strace
from tests.servers.dovecot import DovecotServer

EACH = os.environ.get("CRASH", "1")
FOLDER = os.environ.get("CRASH_DIR")
NO_STRACE = why_not_strace()
# The store writes and syncs its files by these, and nothing else does. What can't be
# saved elsewhere is tried again a minute later, and has tests of its own.
_DISK = ("pwrite64", "fdatasync")

pytestmark = [
    pytest.mark.skipif(NO_STRACE is not None, reason=str(NO_STRACE)),
    pytest.mark.timeout(36_000 if EACH != "1" else 300),
]


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer
) -> Iterator[Bench]:
    """Where the program is killed."""
    with opened_bench(tmp_path_factory.mktemp("bench"), dovecot) as opened:
        yield opened


def results(tmp_path: Path, name: str) -> Results:
    """Where this test notes what it has tried."""
    return Results(Path(FOLDER or tmp_path) / f"{name}.jsonl")


def chosen(points: list[Point]) -> list[Point]:
    """As many of the points as are asked for."""
    return points if EACH == "all" else sample(points, int(EACH))


@pytest.mark.parametrize("place", [OVER_IMAP, OVER_POP3], ids=lambda place: place.name)
def test_kill_9_at_any_call_loses_nothing_and_repeats_only_the_unknown(
    tmp_path: Path, bench: Bench, place: Place
) -> None:
    range_, found = Range(bench, place), results(tmp_path, f"kills-{place.name}")
    known = found.known()
    for point in chosen(range_.points(tmp_path / "record")):
        if str(point) not in known:
            found.add(str(point), range_.tried(killing(point)))
    print(f"{place.name}: killed at {len(found.known())} points")
    assert found.wrong() == []


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_that_fails_loses_and_repeats_nothing(
    tmp_path: Path, bench: Bench, error: str
) -> None:
    range_, found = Range(bench, OVER_IMAP), results(tmp_path, f"errors-{error}")
    known = found.known()
    points = [p for p in range_.points(tmp_path / "record") if p.call in _DISK]
    for point in chosen(points):
        if str(point) not in known:
            verdict = range_.tried(failing(point, error), is_kill=False)
            found.add(str(point), verdict)
    assert found.wrong() == []
