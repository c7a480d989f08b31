"""The daemon in a world where time passes faster, as a program of its own.

Every wait, deadline, backoff and budget is the product's own and keeps its proportion
to the others: an hour of the daemon takes `3600 / hurry` seconds. What the world
outside takes, such as a round trip, is longer by as much in the daemon's eyes.
"""

from __future__ import annotations

import asyncio
import selectors
import signal
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import postroom_filing
import postroom_filter
import postroom_sending
from postroom import (
    Action,
    Copy,
    Effect,
    MailboxName,
    Message,
    RegisterAction,
    hookimpl,
)
from postroom.config.configuration import Configuration, load_configuration
from postroom.hooks.plugins import Plugins
from postroom.log import configure_logging
from postroom.ports import Uptime
from postroom.service.opening import open_service


class CopyTo(Action):
    """Put a copy into another mailbox."""

    depth = "headers"
    mailbox: MailboxName

    def effects(self, message: Message) -> Iterable[Effect]:
        """Copy it there."""
        yield Copy(self.mailbox)


@hookimpl
def register_actions(register: RegisterAction) -> None:
    """Bring the action under its name in rule files."""
    register("copy_to", CopyTo)


class HurriedSelector(selectors.DefaultSelector):
    """Waits for a fraction of the time that it is told to."""

    def __init__(self, hurry: float) -> None:
        super().__init__()
        self._hurry = hurry

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready, after so much of the loop's time at most."""
        return super().select(None if timeout is None else timeout / self._hurry)


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds are shorter."""

    def __init__(self, hurry: float) -> None:
        super().__init__(HurriedSelector(hurry))
        self._hurry = hurry

    def time(self) -> float:
        """The seconds of the loop."""
        return super().time() * self._hurry


class HurriedClock:
    """The wall clock and the monotonic clock of a world with shorter seconds."""

    def __init__(self, hurry: float) -> None:
        self._hurry = hurry
        self._began = (datetime.now(UTC), time.monotonic())

    def now(self) -> datetime:
        """The wall clock in UTC; it was right when the program began."""
        wall, began = self._began
        passed = (time.monotonic() - began) * self._hurry
        return wall + timedelta(seconds=passed)

    def monotonic(self) -> float:
        """Seconds that only ever go forward."""
        return time.monotonic() * self._hurry

    def uptime(self) -> Uptime:
        """The same, of one boot that never ends."""
        return Uptime("boot", self.monotonic())


async def _run(configuration: Configuration, hurry: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_service(configuration, clock=HurriedClock(hurry)) as service:
        await service.run(stop)


def _plugins() -> Plugins:
    bundled = (postroom_filter, postroom_filing, postroom_sending)
    return Plugins((each.__name__, each) for each in (*bundled, sys.modules[__name__]))


def main() -> None:
    """Run the settings of the first argument until SIGTERM; the second is the hurry."""
    path, hurry = Path(sys.argv[1]), float(sys.argv[2])
    configure_logging(sys.stderr)
    configuration = load_configuration(path, _plugins)
    with asyncio.Runner(loop_factory=partial(HurriedLoop, hurry)) as runner:
        runner.run(_run(configuration, hurry))


if __name__ == "__main__":
    main()
