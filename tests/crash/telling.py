"""Stories of kills, told one after the other: what they cost all in all."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from tests.crash.bench import Bench, Place
from tests.crash.letters import KINDS
from tests.crash.stories import Story, every_story
from tests.crash.verdict import Verdict


def stories_of(*places: Place) -> list[Story]:
    """The stories that happen there."""
    return [story for story in every_story() if story.place in places]


def tell_all(bench: Bench, stories: Iterable[Story]) -> None:
    """Fail with all that went wrong in any of them."""
    total, wrong = Verdict(), []
    for story in stories:
        verdict = _tell(bench, story)
        wrong += [f"{story}: {each}" for each in verdict.wrong]
        total += verdict
    print(total)
    assert wrong == []


def _tell(bench: Bench, story: Story) -> Verdict:
    """Kill it in each run of the story, then let it end its work."""
    with bench.trial(story.place, [KINDS[each] for each in story.kinds]) as trial:
        for number, point in enumerate(story.points):
            status = trial.run(point.name)
            # What was done by the first run may leave the second one nothing to reach.
            if status != -signal.SIGKILL and not number:
                trial.failures.append(f"{point.name} was not reached: {status}")
        return trial.drain()
