"""Killed at every named point, with every kind of effect it concerns, and again.

What each story costs is told by the servers: Dovecot's mailboxes, what a server took,
the Maildir, the folder of what was saved.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from postroom.failpoints import Point
from tests.crash.bench import OVER_IMAP_BY_STEPS, Bench, opened_bench
from tests.crash.letters import KINDS
from tests.crash.stories import REACHED, Story, every_story
from tests.crash.verdict import Verdict
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot

pytestmark = pytest.mark.timeout(300)

STORIES = every_story()
SHARES = 6  # each a file's worth of work for one worker
WITHOUT_MOVE = "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS SPECIAL-USE NAMESPACE"


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer
) -> Iterator[Bench]:
    """Where the program is killed."""
    with opened_bench(tmp_path_factory.mktemp("bench"), dovecot) as opened:
        yield opened


@pytest.fixture(scope="module")
def plain_bench(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Bench]:
    """The same at a server that has no MOVE."""
    folder = tmp_path_factory.mktemp("plain")
    with ExitStack() as stack:
        server = stack.enter_context(running_dovecot(certificates, WITHOUT_MOVE))
        yield stack.enter_context(opened_bench(folder, server))


def tell(bench: Bench, story: Story) -> Verdict:
    """Kill it in each run of the story, then let it end its work."""
    with bench.trial(story.place, [KINDS[each] for each in story.kinds]) as trial:
        for number, point in enumerate(story.points):
            status = trial.run(point.name)
            # What was done by the first run may leave the second one nothing to reach.
            if status != -signal.SIGKILL and not number:
                trial.failures.append(f"{point.name} was not reached: {status}")
        return trial.drain()


@pytest.mark.parametrize("share", range(SHARES))
def test_kill_9_at_any_point_loses_nothing_and_repeats_only_the_unknown(
    bench: Bench, plain_bench: Bench, share: int
) -> None:
    total, wrong = Verdict(), []
    for story in STORIES[share::SHARES]:
        at = plain_bench if story.place is OVER_IMAP_BY_STEPS else bench
        verdict = tell(at, story)
        wrong += [f"{story}: {each}" for each in verdict.wrong]
        total += verdict
    print(total)
    assert wrong == []


def test_every_point_is_reached_by_a_story() -> None:
    assert {point for reached in REACHED.values() for point in reached} == {*Point}
