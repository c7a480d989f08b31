"""Commands beside a daemon, in this process, whose servers are not there, or beside
the store that it left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from structlog.testing import capture_logs

from postroom.config.configuration import load_configuration
from postroom.service.clock import SystemClock
from postroom.service.opening import STORE_NAME, open_service
from postroom.service.steering import make_steering, steer
from postroom.store.database import open_store
from postroom.store.store import SqlStore
from tests.commands.workplace import Ended, Workplace

T = TypeVar("T")


def while_running(workplace: Workplace, steps: Callable[[], T]) -> T:
    """What the steps come to while the daemon of these settings runs."""

    async def run() -> T:
        configuration = load_configuration(workplace.settings)
        async with asyncio.timeout(60), open_service(configuration) as service:
            stop = asyncio.Event()
            answering = partial(steer, make_steering(service))
            async with asyncio.TaskGroup() as group:
                group.create_task(service.run(stop, answering))
                try:
                    return await asyncio.to_thread(steps)
                finally:
                    stop.set()

    with capture_logs():
        return asyncio.run(run())


def run_attended(workplace: Workplace, *arguments: str) -> Ended:
    """How a command ends while the daemon runs."""
    return while_running(workplace, lambda: workplace.run(*arguments))


def store_of(workplace: Workplace) -> Path:
    """Where the store is, or will be."""
    return workplace.folder / "state" / STORE_NAME


def with_store(workplace: Workplace, steps: Callable[[SqlStore], Awaitable[T]]) -> T:
    """What the steps with the store come to; it is made if it is not there."""

    async def run() -> T:
        async with open_store(store_of(workplace), clock=SystemClock()) as store:
            return await steps(store)

    return asyncio.run(run())
