"""The campaign of kills at calls to the kernel: what is planned, and what came of it.

Each place has two files. The plan names every call of a recorded run, in the order in
which they are tried; it is made once, as no other run makes quite the same calls. The
trials are those that were gone through, one a line: a campaign goes on behind them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.crash.verdict import STEADY_WITHIN, Verdict
from tests.endtoend.strace import Point


@dataclass(frozen=True)
class CallCampaign:
    """What is planned and known of a place, in a folder that outlives a run."""

    folder: Path
    place: str

    def go_on(
        self,
        record: Callable[[], list[Point]],
        try_: Callable[[Point], Verdict],
        *,
        kills: int,
    ) -> None:
        """Try point after point of the plan until there were so many kills; without a
        plan it is made of what is recorded."""
        self.folder.mkdir(parents=True, exist_ok=True)
        known = dict(self.trials())
        done = sum(verdict.kills for verdict in known.values())
        for point in self._plan(record):
            if done >= kills:
                break
            if str(point) not in known:
                verdict = try_(point)
                self._note(point, verdict)
                done += verdict.kills

    def trials(self) -> Iterator[tuple[str, Verdict]]:
        """The points that were tried, and what came of each."""
        if self._trials.exists():
            for line in self._trials.read_text().splitlines():
                point, found = json.loads(line)
                yield point, _verdict(found)

    def _plan(self, record: Callable[[], list[Point]]) -> list[Point]:
        if not self._planned.exists():
            draft = self._planned.with_suffix(".draft")
            draft.write_text("".join(f"{point}\n" for point in spread(record())))
            os.replace(draft, self._planned)
        pairs = (line.split() for line in self._planned.read_text().splitlines())
        return [Point(call, int(count)) for call, count in pairs]

    def _note(self, point: Point, verdict: Verdict) -> None:
        with self._trials.open("a") as file:
            file.write(json.dumps([str(point), asdict(verdict)]) + "\n")

    @property
    def _planned(self) -> Path:
        return self.folder / f"calls-{self.place}.plan"

    @property
    def _trials(self) -> Path:
        return self.folder / f"calls-{self.place}.jsonl"


def spread(points: Sequence[Point]) -> list[Point]:
    """The points in such an order that however few are tried, as many are of each call
    as of any other (or all that there are), and they lie evenly between its first and
    its last."""
    rows: dict[str, list[Point]] = {}
    for point in points:
        rows.setdefault(point.call, []).append(point)
    columns = zip_longest(*map(_halved, rows.values()))
    return [point for column in columns for point in column if point is not None]


def _halved(points: Sequence[Point]) -> Iterator[Point]:
    """The first, that in the middle, those in the middle of what is between, and so
    on: in the order of the bits of their places, the least bit first."""
    for place in sorted(range(len(points)), key=lambda place: f"{place:032b}"[::-1]):
        yield points[place]


def problems(place: str, trials: Sequence[tuple[str, Verdict]]) -> list[str]:
    """All that must not be: of each kill alone, but for how long recovering took."""
    wrong = [
        f"{place}, {point}: {problem}"
        for point, verdict in trials
        for problem in replace(verdict, recoveries=()).wrong
    ]
    all_ = sum((verdict for _, verdict in trials), Verdict())
    if all_.recovery > STEADY_WITHIN:
        wrong.append(f"{place}: one recovery of a hundred took {all_.recovery:.1f} s")
    return wrong


def _verdict(found: dict[str, Any]) -> Verdict:
    """As it was before it was written: JSON has lists for tuples."""
    tupled: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in found.items()
    }
    return Verdict(**tupled)
