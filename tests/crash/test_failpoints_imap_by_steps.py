"""Killed at every named point over an IMAP server that has no MOVE, and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.bench import OVER_IMAP_BY_STEPS, Bench, opened_bench
from tests.crash.telling import stories_of, tell_all
from tests.servers.certificates import Certificates
from tests.servers.dovecot import running_dovecot

pytestmark = pytest.mark.timeout(300)

STORIES = stories_of(OVER_IMAP_BY_STEPS)
SHARES = 4  # each is told within the time that a test may take


WITHOUT_MOVE = "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS SPECIAL-USE NAMESPACE"


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Bench]:
    """Where the program is killed."""
    with (
        running_dovecot(certificates, WITHOUT_MOVE) as server,
        opened_bench(tmp_path_factory.mktemp("plain"), server) as opened,
    ):
        yield opened


@pytest.mark.parametrize("share", range(SHARES))
def test_kill_9_at_any_point_loses_nothing_and_repeats_only_the_unknown(
    bench: Bench, share: int
) -> None:
    tell_all(bench, STORIES[share::SHARES])
