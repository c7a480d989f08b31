"""The campaign goes on where it was interrupted, and its table sees what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from tests.crash.call_campaign import CallCampaign, problems, spread
from tests.crash.random_round import Outcome
from tests.crash.random_table import note_outcome
from tests.crash.table import main
from tests.crash.verdict import Verdict
from tests.endtoend.strace import Point

WRITES = [Point("write", n + 1) for n in range(100)]
CONNECTS = [Point("connect", n + 1) for n in range(3)]
KILLED = Verdict(kills=1, recoveries=(0.5,))
ROUND = Outcome(1, 20, 9, 4, 0, 0, 0, 0, [1.0], 0, 0, 0, [])


def go_on(
    campaign: CallCampaign,
    kills: int,
    verdict: Verdict = KILLED,
    points: Sequence[Point] = (*WRITES, *CONNECTS),
) -> list[Point]:
    """What is tried when it goes on to so many kills; these points are recorded."""
    tried: list[Point] = []

    def try_(point: Point) -> Verdict:
        tried.append(point)
        return verdict

    campaign.go_on(lambda: [*points], try_, kills=kills)
    return tried


def test_however_few_points_are_tried_they_lie_evenly_over_each_call() -> None:
    order = spread([*WRITES, *CONNECTS])
    assert sorted(order, key=str) == sorted([*WRITES, *CONNECTS], key=str)
    assert {*order[:6]} >= {*CONNECTS}
    counts = sorted(point.count for point in order[:19] if point.call == "write")
    assert max(b - a for a, b in pairwise(counts)) <= 16


def test_an_interrupted_campaign_keeps_its_plan_and_repeats_no_trial(
    tmp_path: Path,
) -> None:
    campaign = CallCampaign(tmp_path, "IMAP")
    before = go_on(campaign, 10)
    after = go_on(campaign, 25, points=[Point("write", 200)])
    assert (len(before), len(after)) == (10, 15)
    assert [*before, *after] == spread([*WRITES, *CONNECTS])[:25]
    assert go_on(campaign, 25) == []


def test_a_point_that_no_process_reached_is_no_kill(tmp_path: Path) -> None:
    assert len(go_on(CallCampaign(tmp_path, "IMAP"), 10, Verdict())) == 103


def test_a_campaign_says_of_each_kill_what_it_broke() -> None:
    lost = replace(KILLED, lost=("7 in INBOX",))
    twice = replace(KILLED, in_window=2)
    assert problems("IMAP", [("write 1", KILLED), ("write 2", lost)]) == [
        "IMAP, write 2: lost: 7 in INBOX"
    ]
    assert problems("IMAP", [("write 1", KILLED), ("write 2", twice)]) == [
        "IMAP, write 2: 2 repeats by 1 kills"
    ]


def test_one_slow_recovery_of_a_thousand_breaks_nothing() -> None:
    slow = replace(KILLED, recoveries=(11.0,))
    few, many = [("write 1", slow)] * 1, [("write 2", KILLED)] * 999
    assert problems("IMAP", [*few, *many]) == []
    assert problems("IMAP", few) == ["IMAP: one recovery of a hundred took 11.0 s"]


def campaign(folder: Path, random: Outcome, verdict: Verdict = KILLED) -> None:
    """Ten kills at each place, and a round."""
    for place in ("IMAP", "POP3"):
        go_on(CallCampaign(folder, place), 10, verdict)
    note_outcome(folder, random)


def test_the_table_has_every_kind_of_kill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign(tmp_path, ROUND)
    assert main(tmp_path, 20) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["calls,", "IMAP", "calls,", "POP3", "random"]
    assert printed[1].split() == ["kills", "10", "10", "20"]
    assert printed[-1].split() == ["99%", "within,", "s", "0.50", "0.50", "1.00"]


@pytest.mark.parametrize(
    ("random", "verdict", "told"),
    [
        (replace(ROUND, problems=["letter 3 is lost"]), KILLED, "letter 3 is lost"),
        (ROUND, replace(KILLED, lost=("3 saved",)), "lost: 3 saved"),
        (replace(ROUND, kills=19), KILLED, "19 kills at random of 20"),
    ],
)
def test_the_table_fails_with_what_is_wrong(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    random: Outcome,
    verdict: Verdict,
    told: str,
) -> None:
    campaign(tmp_path, random, verdict)
    assert main(tmp_path, 20) == 1
    assert told in capsys.readouterr().out


def test_the_table_of_no_campaign_fails(tmp_path: Path) -> None:
    assert main(tmp_path, 20) == 1
