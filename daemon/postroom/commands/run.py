"""`postroom run`: the daemon."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from postroom.commands.outcome import Exit, telling_errors
from postroom.config.configuration import Configuration, load_configuration
from postroom.config.settings import find_settings
from postroom.log import configure_logging, printable
from postroom.service.supervisor import open_service


def main(config: Path | None, once: bool, verbose: bool) -> int:
    """Run until a signal, or with `once` until all that is there is handled."""
    configure_logging(sys.stderr, verbose=verbose)
    with telling_errors():
        configuration = load_configuration(find_settings(config))
        return asyncio.run(_run_once(configuration) if once else _run(configuration))


async def _run(configuration: Configuration) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_service(configuration) as service:
        await service.run(stop)
    return Exit.DONE


async def _run_once(configuration: Configuration) -> int:
    async with open_service(configuration) as service:
        failures = await service.run_once()
    for failure in failures:
        print(printable(failure), file=sys.stderr)
    return Exit.FAILED if failures else Exit.DONE
