"""The table of a whole campaign: kills at calls to the kernel, and kills at random.

`python -m tests.crash.table FOLDER KILLS` prints it, and fails where something is wrong
or there were fewer kills of either kind.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash import call_campaign, random_table
from tests.crash.bench import OVER_IMAP, OVER_POP3
from tests.crash.call_campaign import CallCampaign
from tests.crash.random_round import Outcome
from tests.crash.random_table import percentile, read_outcomes
from tests.crash.verdict import Verdict

PLACES = (OVER_IMAP.name, OVER_POP3.name)
_MOST_TOLD = 40


@dataclass(frozen=True)
class Column:
    """A kind of kills, and what came of them."""

    name: str
    kills: int = 0
    lost: int = 0
    repeated: int = 0
    in_window: int = 0
    replies_repeated: int = 0
    unsent: int = 0
    recoveries: tuple[float, ...] = ()

    def cells(self) -> Iterator[tuple[str, str]]:
        """The name and the value of each row."""
        yield "", self.name
        yield "kills", str(self.kills)
        yield "lost", str(self.lost)
        yield "repeated outside the final dot", str(self.repeated)
        yield "repeated inside it", str(self.in_window)
        yield "replies repeated", str(self.replies_repeated)
        yield "replies not sent again", str(self.unsent)
        yield "recoveries", str(len(self.recoveries))
        for share in (0.5, 0.99):
            yield f"  {share:.0%} within, s", _seconds(self.recoveries, share)


def _seconds(recoveries: Sequence[float], share: float) -> str:
    return f"{percentile(recoveries, share):.2f}" if recoveries else "-"


def at_calls(place: str, verdicts: Sequence[Verdict]) -> Column:
    """What came of the kills at calls, at this place."""
    all_ = sum(verdicts, Verdict())
    return Column(
        name=f"calls, {place}",
        kills=all_.kills,
        lost=len(all_.lost),
        repeated=len(all_.repeated),
        in_window=all_.in_window,
        replies_repeated=len(all_.replies_repeated),
        unsent=all_.unsent,
        recoveries=all_.recoveries,
    )


def at_random(outcomes: Sequence[Outcome]) -> Column:
    """What came of the kills at random."""
    return Column(
        name="random",
        kills=sum(each.kills for each in outcomes),
        lost=sum(each.lost for each in outcomes),
        repeated=sum(each.repeated for each in outcomes),
        in_window=sum(each.excused for each in outcomes),
        replies_repeated=sum(each.answered_again for each in outcomes),
        unsent=sum(each.unanswered for each in outcomes),
        recoveries=tuple(one for each in outcomes for one in each.recoveries),
    )


def table(columns: Sequence[Column]) -> str:
    """The columns side by side, for people."""
    rows = zip(*(column.cells() for column in columns), strict=True)
    return "\n".join(
        f"  {row[0][0]:<32}" + "".join(f"{value:>14}" for _, value in row)
        for row in rows
    )


def too_few(columns: Sequence[Column], kills: int) -> list[str]:
    """The kinds that have not had so many kills yet."""
    *calls, random = columns
    found = {"at calls": sum(each.kills for each in calls), "at random": random.kills}
    return [
        f"{done} kills {kind} of {kills}"
        for kind, done in found.items()
        if done < kills
    ]


def main(folder: Path, kills: int) -> int:
    """Print the campaign in this folder; 0 if it was of so many kills, and all is
    well."""
    columns, wrong = [], []
    for place in PLACES:
        trials = [*CallCampaign(folder, place).trials()]
        columns.append(at_calls(place, [verdict for _, verdict in trials]))
        wrong += call_campaign.problems(place, trials)
    outcomes = read_outcomes(folder)
    columns.append(at_random(outcomes))
    wrong += [*random_table.problems(outcomes), *too_few(columns, kills)]
    print("\n".join([table(columns), *wrong[:_MOST_TOLD]]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
