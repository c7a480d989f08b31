"""`postroom run`: the daemon."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from postroom.commands.outcome import Exit, telling_errors
from postroom.config.configuration import Configuration, load_configuration
from postroom.config.settings import find_settings
from postroom.log import configure_logging, get_logger, printable
from postroom.service.opening import open_service

log = get_logger()


def main(config: Path | None, once: bool) -> int:
    """Run until a signal, or with `once` until all that is there is handled."""
    configure_logging(sys.stderr)
    with telling_errors():
        configuration = load_configuration(find_settings(config))
        return asyncio.run(_run_once(configuration) if once else _run(configuration))


async def _run(configuration: Configuration) -> int:
    stop = asyncio.Event()
    _on_signals(stop.set)
    # To be hung up on, or asked to reload, must not end it.
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, log.warning, "reload_needs_a_restart")
    async with open_service(configuration) as service:
        await service.run(stop)
    return Exit.DONE


async def _run_once(configuration: Configuration) -> int:
    async with open_service(configuration) as service:
        work = asyncio.ensure_future(service.run_once())
        _on_signals(work.cancel)
        await asyncio.wait({work})
        if work.cancelled():
            print("stopped before the end; what is left waits", file=sys.stderr)
            return Exit.FAILED
        failures = work.result()
    for failure in failures:
        print(printable(failure), file=sys.stderr)
    return Exit.FAILED if failures else Exit.DONE


def _on_signals(end: Callable[[], object]) -> None:
    """Have SIGTERM and Ctrl-C end the work in order."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
