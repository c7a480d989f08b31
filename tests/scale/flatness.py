"""What a daemon has in use while messages come in, wave after wave."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.scale.trial import MIB

# What comes and goes in ordinary work: a connection, its file, the thread of a query.
SPARE = 3
# What allocators keep differs from one wave to the next.
SPARE_OCTETS = 8 * MIB


@dataclass(frozen=True)
class Usage:
    """What a process has in use: octets of memory, file descriptors, threads."""

    memory: int
    descriptors: int
    threads: int

    def __str__(self) -> str:
        return (
            f"{self.memory / MIB:7.1f} MiB {self.descriptors:4} descriptors "
            f"{self.threads:4} threads"
        )


def usage_of(pid: int) -> Usage:
    """What the process of this number has in use now (proc(5))."""
    place = Path(f"/proc/{pid}")
    pages = int((place / "statm").read_text().split()[1])
    return Usage(
        pages * os.sysconf("SC_PAGE_SIZE"),
        len(list((place / "fd").iterdir())),
        len(list((place / "task").iterdir())),
    )


def growth(usages: Sequence[Usage]) -> Iterator[str]:
    """What grew from the second quarter of the waves to the last one; the first quarter
    warms up."""
    quarter = len(usages) // 4
    before, after = _most(usages[quarter : 2 * quarter]), _most(usages[-quarter:])
    if after.memory > before.memory + SPARE_OCTETS:
        yield f"memory grew from {before.memory / MIB:.1f} to {after.memory / MIB:.1f}"
    if after.descriptors > before.descriptors + SPARE:
        yield f"descriptors grew from {before.descriptors} to {after.descriptors}"
    if after.threads > before.threads + SPARE:
        yield f"threads grew from {before.threads} to {after.threads}"


def _most(usages: Sequence[Usage]) -> Usage:
    return Usage(
        max(each.memory for each in usages),
        max(each.descriptors for each in usages),
        max(each.threads for each in usages),
    )
