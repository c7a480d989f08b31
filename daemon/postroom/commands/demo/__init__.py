"""The playground: servers, sample mail, sample rules, the real daemon; one process.

The only place that knows pymap and aiosmtpd, which the extra `demo` brings.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.log import configure_logging

if TYPE_CHECKING:
    from postroom.commands.demo.audience import Audience
    from postroom.commands.demo.show import Display
    from postroom.commands.demo.stage import Stage

_PATIENCE = 60
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(once: bool) -> int:
    """Carry out `postroom demo`; the exit code."""
    with telling_errors():
        return asyncio.run(play(once, make_console()))


async def play(once: bool, console: Console) -> int:
    """Run the playground; the exit code.

    It ends after the samples with `once` or where there is no terminal, else when it is
    interrupted.
    """
    if absent := [name for name in ("aiosmtpd", "pymap") if find_spec(name) is None]:
        console.print(f"The playground needs {' and '.join(absent)}, which come with")
        console.print(
            "    pip install '.[demo]'    (in postroom's folder)", markup=False
        )
        return Exit.FAILED
    with tempfile.TemporaryDirectory(prefix="postroom-demo-") as name:
        folder = Path(name)
        with _logging_to(folder / "postroom.log"):
            return await _play_in(folder, once or not console.is_terminal, console)


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Keep what the daemon logs off the console, which shows it in another way."""
    with path.open("w", encoding="utf-8") as stream:
        configure_logging(stream)
        try:
            yield
        finally:
            configure_logging()


async def _play_in(folder: Path, once: bool, console: Console) -> int:
    # Only now, for they bring the servers.
    from postroom.commands.demo.stage import open_stage

    loop = asyncio.get_running_loop()
    async with open_stage(folder) as stage, asyncio.TaskGroup() as group:
        performance = group.create_task(_perform(stage, once, console))
        for number in _SIGNALS:
            loop.add_signal_handler(number, performance.cancel)
    for number in _SIGNALS:
        loop.remove_signal_handler(number)
    return Exit.DONE if performance.cancelled() else performance.result()


async def _perform(stage: Stage, once: bool, console: Console) -> int:
    from postroom.commands.demo.samples import SAMPLES
    from postroom.commands.demo.show import Display

    display = Display(console)
    display.opening(len(stage.configuration.rules), len(SAMPLES))
    try:
        troubles = await _deliver_all(stage, display)
        async with asyncio.timeout(_PATIENCE):
            await stage.until_settled()
    except TimeoutError:
        display.stuck(_PATIENCE)
        return Exit.FAILED
    await _tell_result(stage, display)
    if not once:
        servers = stage.servers
        ports = servers.imap.port, servers.smtp.port
        display.invitation(*ports, stage.maildir, servers.password)
        await _go_on(stage, display)
    return Exit.FAILED if troubles else Exit.DONE


async def _deliver_all(stage: Stage, display: Display) -> list[str]:
    """Have every sample arrive and be handled; what did not go as planned."""
    from postroom.commands.demo.samples import SAMPLES, TITLES

    troubles: list[str] = []
    for account, samples in groupby(SAMPLES, lambda sample: sample.account):
        display.account(account, TITLES[account])
        for sample in samples:
            async with asyncio.timeout(_PATIENCE):
                handled = await stage.deliver(sample)
            display.handled(handled, sample.name)
            troubles += handled.troubles
    return troubles


async def _tell_result(stage: Stage, display: Display) -> None:
    from postroom.commands.demo.maildir import read_maildir

    servers = stage.servers
    display.result(
        await servers.imap.mailboxes(),
        read_maildir(stage.maildir),
        len(servers.pop3.messages()),
        servers.smtp.departed,
    )


async def _go_on(stage: Stage, display: Display) -> None:
    """Show what else arrives, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for account, audience in stage.audiences.items():
            group.create_task(_follow(account, audience, display))


async def _follow(account: str, audience: Audience, display: Display) -> None:
    while True:
        for handled in await audience.until_idle():
            display.handled(handled, f"to {account}")
