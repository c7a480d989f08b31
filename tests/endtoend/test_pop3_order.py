"""What a power cut may take: each write is durable before the next one counts on it.

Told by strace: the file of each message, then its folder, then the store, and only then
the server is told to remove it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.endtoend.sorting import SIX
from tests.endtoend.strace import recording, why_not_strace
from tests.endtoend.test_pop3_kills import Range
from tests.servers.dovecot import DovecotServer

NO_STRACE = why_not_strace()

_LINKED = re.compile(r'linkat\(\d+<[^>]*/tmp>, "[^"]*", \d+<([^>]*/new)>')
_SYNCED = re.compile(r"fsync\(\d+<[^>]*/tmp/[^>]+>")
_STORED = re.compile(r"(?:fdatasync|fsync)\(\d+<.*postroom\.db(?:-wal)?>")
_REMOVAL = re.compile(r'sendto\(\d+<.*>, "DELE ')


def first(lines: Sequence[str], pattern: re.Pattern[str], start: int = 0) -> int:
    """The number of the first line from `start` on in which this is found."""
    found = [n for n, line in enumerate(lines) if n >= start and pattern.search(line)]
    assert found, pattern.pattern
    return found[0]


@pytest.mark.skipif(NO_STRACE is not None, reason=str(NO_STRACE))
def test_a_message_is_durable_here_before_it_is_removed_there(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    record = tmp_path / "record"
    with Range(tmp_path, dovecot, dovecot.new_user()).trial() as trial:
        assert trial.run(recording(), record) == 0
    lines = record.read_text().splitlines()
    linked = [n for n, line in enumerate(lines) if _LINKED.search(line)]
    synced = [n for n, line in enumerate(lines) if _SYNCED.search(line)]
    assert len(linked) == len(SIX)
    for files, link in enumerate(linked, 1):
        assert sum(n < link for n in synced) >= files
    found = _LINKED.search(lines[linked[-1]])
    assert found is not None
    folder = first(lines, re.compile(rf"fsync\(\d+<{re.escape(found[1])}>"), linked[-1])
    assert folder < first(lines, _STORED, folder) < first(lines, _REMOVAL)
