"""Attempts are counted once each, and what has an end is taken back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from postroom.errors import StoreUnavailable
from postroom.service.attempts import Attempts

COUNTED: list[int] = [1, 2]


class Ledger:
    """What a store counts, in memory; while it is `full` nothing can be written."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.full = False

    async def count(self, ids: list[int]) -> None:
        """Add one to each."""
        self._write()
        self.counts.update(ids)

    async def uncount(self, ids: list[int]) -> None:
        """Have each as never begun."""
        self._write()
        for each in ids:
            del self.counts[each]

    def _write(self) -> None:
        if self.full:
            raise StoreUnavailable("disk full")


def with_ledger(steps: Callable[[Attempts, Ledger], Awaitable[None]]) -> None:
    """Take these steps."""

    async def run() -> None:
        await steps(Attempts(), Ledger())

    asyncio.run(run())


def test_each_is_counted_before_its_end_and_once() -> None:
    async def steps(attempts: Attempts, ledger: Ledger) -> None:
        await attempts.begin(COUNTED, ledger.count)
        await attempts.begin(COUNTED, ledger.count)
        assert ledger.counts == {1: 1, 2: 1}
        attempts.ended([1])
        await attempts.begin(COUNTED, ledger.count)
        assert ledger.counts == {1: 2, 2: 1}

    with_ledger(steps)


def test_one_that_is_taken_back_does_not_count() -> None:
    async def steps(attempts: Attempts, ledger: Ledger) -> None:
        await attempts.begin(COUNTED, ledger.count)
        await attempts.take_back([1], ledger.uncount)
        assert ledger.counts == {2: 1}
        await attempts.begin(COUNTED, ledger.count)
        assert ledger.counts == {1: 1, 2: 1}

    with_ledger(steps)


@pytest.mark.parametrize(("begun", "ends"), [(2, False), (3, True)])
def test_what_processes_ended_at_three_times_is_what_ended_them(
    begun: int, ends: bool
) -> None:
    assert Attempts().ended_processes(1, begun) is ends


def test_an_end_that_can_not_be_recorded_is_no_end_of_a_process() -> None:
    async def steps(attempts: Attempts, ledger: Ledger) -> None:
        for _ in range(4):
            await attempts.begin([1], ledger.count)
            ledger.full = True
            with pytest.raises(StoreUnavailable):
                await attempts.take_back([1], ledger.uncount)
            ledger.full = False
            assert attempts.unended(1, ledger.counts[1]) == 0
        assert not attempts.ended_processes(1, ledger.counts[1])

    with_ledger(steps)


def test_one_that_could_not_be_counted_is_not_begun() -> None:
    async def steps(attempts: Attempts, ledger: Ledger) -> None:
        ledger.full = True
        with pytest.raises(StoreUnavailable):
            await attempts.begin([1], ledger.count)
        ledger.full = False
        await attempts.begin([1], ledger.count)
        assert ledger.counts == {1: 1}

    with_ledger(steps)
