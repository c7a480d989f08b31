"""The campaign can fail: each planted fault is found by its smallest part that fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.bench import OVER_IMAP, opened_bench
from tests.crash.letters import KINDS
from tests.crash.mutants import (
    DELIVERED_EARLY,
    MOVED_EARLY,
    RENAMED,
    UNSYNCED,
    Mutant,
)
from tests.crash.order import offences
from tests.crash.syscalls import Range
from tests.endtoend.strace import why_not_strace
from tests.servers.dovecot import DovecotServer

NO_STRACE = why_not_strace()


@pytest.mark.parametrize(
    ("mutant", "kind", "point", "finding"),
    [
        (DELIVERED_EARLY, "forward", "W1", "lost: the forward of 0"),
        (MOVED_EARLY, "settle", "C17:2", "lost: the forward of 0"),
        (RENAMED, "forward", "C11", "altered: the forward of 0"),
    ],
    ids=lambda each: each.name if isinstance(each, Mutant) else None,
)
def test_a_planted_fault_is_found(
    tmp_path: Path,
    dovecot: DovecotServer,
    mutant: Mutant,
    kind: str,
    point: str,
    finding: str,
) -> None:
    """And it is the fault that is found: without it all is well. The first move is
    refused, as there is no such mailbox yet."""
    found = {}
    for name, source in {
        "planted": mutant.plant(tmp_path / "tree"),
        "sound": Path(__file__).parent.parent.parent,
    }.items():
        with (
            opened_bench(tmp_path, dovecot, source) as bench,
            bench.trial(OVER_IMAP, [KINDS[kind]]) as trial,
        ):
            trial.run(point)
            assert trial.kills == 1
            found[name] = trial.drain().wrong
    assert finding in found["planted"]
    assert found["sound"] == ()


@pytest.mark.skipif(NO_STRACE is not None, reason=str(NO_STRACE))
def test_a_plan_that_is_committed_unsynced_is_found(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    source = UNSYNCED.plant(tmp_path / "tree")
    with opened_bench(tmp_path, dovecot, source) as bench:
        Range(bench, OVER_IMAP).record(tmp_path / "record")
    lines = (tmp_path / "record").read_text().splitlines()
    assert any("a plan is durable" in each for each in offences(lines))
