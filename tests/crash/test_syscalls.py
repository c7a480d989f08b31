"""Killed or failed at calls to the kernel: nothing is lost, nothing is done twice.

`CRASH` is how many points of each call are tried, or `all`. `CRASH_KILLS` asks for the
campaign: as many kills at least, shared by the places; it is noted in `CRASH_DIR`, and
goes on there the next time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.bench import OVER_IMAP, OVER_POP3, Bench, Place, opened_bench
from tests.crash.call_campaign import CallCampaign, problems
from tests.crash.syscalls import Range, failing, killing
from tests.crash.verdict import Verdict
from tests.endtoend.strace import Point, sample, why_not_strace
from tests.servers.dovecot import DovecotServer

EACH = os.environ.get("CRASH", "1")
KILLS = int(os.environ.get("CRASH_KILLS", 0))
FOLDER = Path(os.environ.get("CRASH_DIR", "build/crash"))
PLACES = [OVER_IMAP, OVER_POP3]
NO_STRACE = why_not_strace()
# The store writes and syncs its files by these, and nothing else does. What can't be
# saved elsewhere is tried again a minute later, and has tests of its own.
_DISK = ("pwrite64", "fdatasync")

pytestmark = [
    pytest.mark.skipif(NO_STRACE is not None, reason=str(NO_STRACE)),
    pytest.mark.timeout(36_000 if KILLS or EACH != "1" else 300),
]


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer
) -> Iterator[Bench]:
    """Where the program is killed."""
    with opened_bench(tmp_path_factory.mktemp("bench"), dovecot) as opened:
        yield opened


def chosen(points: list[Point]) -> list[Point]:
    """As many of the points as are asked for."""
    return points if EACH == "all" else sample(points, int(EACH))


def wrong(tried: dict[Point, Verdict]) -> list[str]:
    """All that was wrong at any of these points."""
    return [
        f"{point}: {each}" for point, found in tried.items() for each in found.wrong
    ]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_kill_9_at_any_call_loses_nothing_and_repeats_only_the_unknown(
    tmp_path: Path, bench: Bench, place: Place
) -> None:
    range_ = Range(bench, place)
    points = chosen(range_.points(tmp_path / "record"))
    assert wrong({p: range_.tried(killing(p)) for p in points}) == []


@pytest.mark.skipif(not KILLS, reason="`make crash-long` has the campaign")
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_the_campaign_of_kills_at_calls(
    tmp_path: Path, bench: Bench, place: Place
) -> None:
    range_, campaign = Range(bench, place), CallCampaign(FOLDER, place.name)
    campaign.go_on(
        lambda: range_.points(tmp_path / "record"),
        lambda point: range_.tried(killing(point)),
        kills=-(-KILLS // len(PLACES)),
    )
    assert problems(place.name, [*campaign.trials()]) == []


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_that_fails_loses_and_repeats_nothing(
    tmp_path: Path, bench: Bench, error: str
) -> None:
    range_ = Range(bench, OVER_IMAP)
    points = [p for p in range_.points(tmp_path / "record") if p.call in _DISK]
    tried = {p: range_.tried(failing(p, error), is_kill=False) for p in chosen(points)}
    assert wrong(tried) == []
