"""Killed at every named point over IMAP, with every kind of effect, and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.bench import OVER_IMAP, Bench, opened_bench
from tests.crash.telling import stories_of, tell_all
from tests.servers.dovecot import DovecotServer

pytestmark = pytest.mark.timeout(300)

STORIES = stories_of(OVER_IMAP)
SHARES = 4  # each is told within the time that a test may take


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer
) -> Iterator[Bench]:
    """Where the program is killed."""
    with opened_bench(tmp_path_factory.mktemp("bench"), dovecot) as opened:
        yield opened


@pytest.mark.parametrize("share", range(SHARES))
def test_kill_9_at_any_point_loses_nothing_and_repeats_only_the_unknown(
    bench: Bench, share: int
) -> None:
    tell_all(bench, STORIES[share::SHARES])
