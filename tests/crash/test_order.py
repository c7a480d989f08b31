"""Whatever goes out is in the journal, and the journal on the disk, before it goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.bench import OVER_IMAP, OVER_POP3, Bench, Place, opened_bench
from tests.crash.order import ORDERS, offences, passed
from tests.crash.syscalls import Range
from tests.endtoend.strace import why_not_strace
from tests.servers.dovecot import DovecotServer

NO_STRACE = why_not_strace()
pytestmark = pytest.mark.skipif(NO_STRACE is not None, reason=str(NO_STRACE))

PLAN, DOT, REMOVAL, MAILDIR = (order.name for order in ORDERS)


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer
) -> Iterator[Bench]:
    """Where runs are recorded."""
    with opened_bench(tmp_path_factory.mktemp("bench"), dovecot) as opened:
        yield opened


@pytest.mark.parametrize(
    ("place", "orders"),
    [(OVER_IMAP, {PLAN, DOT}), (OVER_POP3, {DOT, REMOVAL, MAILDIR})],
    ids=["IMAP", "POP3"],
)
def test_nothing_goes_out_before_its_journal_is_on_the_disk(
    tmp_path: Path, bench: Bench, place: Place, orders: set[str]
) -> None:
    Range(bench, place).record(tmp_path / "record")
    lines = (tmp_path / "record").read_text().splitlines()
    assert list(offences(lines)) == []
    assert passed(lines) == orders
