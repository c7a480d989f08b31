"""The campaign of random kills: its rounds, one a line of a file, and their sum."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.crash.random_round import Outcome

NAME = "random.jsonl"
MOST_SECONDS = 10.0


def read_outcomes(folder: Path) -> list[Outcome]:
    """The rounds that were gone through so far, in any order."""
    path = folder / NAME
    lines = path.read_text().splitlines() if path.exists() else []
    return [Outcome(**json.loads(line)) for line in lines]


def note_outcome(folder: Path, outcome: Outcome) -> None:
    """Add a round; several processes may do so."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / NAME).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{outcome.to_json()}\n")


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def table(outcomes: Sequence[Outcome]) -> str:
    """The sum of all rounds, for people."""
    return "\n".join(f"  {name:<34} {value}" for name, value in _rows(outcomes))


def problems(outcomes: Sequence[Outcome]) -> list[str]:
    """All that must not be."""
    wrong = [
        f"seed {each.seed}: {problem}" for each in outcomes for problem in each.problems
    ]
    recoveries = [one for each in outcomes for one in each.recoveries]
    if recoveries and (slow := percentile(recoveries, 0.99)) > MOST_SECONDS:
        wrong.append(f"of a hundred recoveries one takes longer than {slow} s")
    if sum(each.excused for each in outcomes) > sum(
        each.kills + each.faults for each in outcomes
    ):
        wrong.append("more was sent again than connections were cut")
    return wrong


def _rows(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, object]]:
    yield "rounds", len(outcomes)
    yield "kills", sum(each.kills for each in outcomes)
    yield "faults of the network", sum(each.faults for each in outcomes)
    yield "letters", sum(each.letters for each in outcomes)
    yield "sent", sum(each.sent for each in outcomes)
    yield "lost", sum(each.lost for each in outcomes)
    yield "repeated outside the window", sum(each.repeated for each in outcomes)
    yield "repeated inside the window", sum(each.excused for each in outcomes)
    yield "answers repeated", sum(each.answered_again for each in outcomes)
    yield "answers withheld, end unknown", sum(each.unanswered for each in outcomes)
    yield "quarantined, and released", sum(each.quarantined for each in outcomes)
    recoveries = [one for each in outcomes for one in each.recoveries]
    if recoveries:
        yield "recoveries measured", len(recoveries)
        yield "  half of them within, s", percentile(recoveries, 0.5)
        yield "  99 of 100 within, s", percentile(recoveries, 0.99)
        yield "  the longest, s", max(recoveries)
