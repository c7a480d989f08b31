"""`postroom run`: the daemon."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from postroom.commands.outcome import Exit, telling_errors
from postroom.config.configuration import (
    Configuration,
    load_configuration,
    read_settings,
)
from postroom.config.settings import find_settings
from postroom.config.writable import why_not_writable
from postroom.errors import ConfigError, Problem, StoreError, TemporaryError
from postroom.failpoints import VARIABLE, arm
from postroom.log import Format, Level, configure_logging, get_logger, printable, say
from postroom.service.clock import SystemClock
from postroom.service.opening import STORE_NAME, open_service
from postroom.service.systemd import notify
from postroom.service.watchdog import alive, end_soon
from postroom.store.database import open_store

log = get_logger()

# Containers made since the collector last looked for what could be let go: a batch of
# mail is tens of thousands, and none of them waits for it.
_SELDOM = 10_000


def main(config: Path | None, once: bool, log_format: Format, log_level: Level) -> int:
    """Run until a signal, or with `once` until all that is there is handled."""
    configure_logging(sys.stderr, log_format, log_level)
    with telling_errors(_leave_status):
        path = find_settings(config)
        configuration = load_configuration(path, remembered=_remember(path))
        _require_state(configuration)
        for warning in configuration.warnings:
            log.warning("configuration", warning=str(warning))
        _arm(configuration)
        # What is loaded by now stays, and need not be gone through with each batch.
        gc.freeze()
        gc.set_threshold(_SELDOM)
        return asyncio.run(_run_once(configuration) if once else _run(configuration))


def _leave_status(wrong: str) -> None:
    """Have the status of a unit that failed say why."""
    notify(f"STATUS={wrong}")


def _require_state(configuration: Configuration) -> None:
    """Raise `ConfigError` where nothing could be remembered: a restart mends nothing of
    it."""
    if why := why_not_writable(configuration.settings.postroom.state):
        problem = Problem(str(configuration.path), why, key="postroom.state")
        raise ConfigError([problem])


def _arm(configuration: Configuration) -> None:
    """Let a test end it where the environment says, if the settings allow that."""
    allowed = configuration.settings.postroom.failpoints
    if warning := arm(os.environ.get(VARIABLE, ""), allowed=allowed):
        log.warning("failpoint", warning=warning)


def _remember(path: Path) -> dict[str, str]:
    """Which plugin brought what in earlier runs: one that is gone stops nobody."""
    settings, _ = read_settings(path)
    store = settings and settings.postroom.state / STORE_NAME
    if not store or not store.exists():
        return {}
    try:
        return asyncio.run(_ask_vocabulary(store))
    except (StoreError, TemporaryError):  # it is told when the store is opened for good
        return {}


async def _ask_vocabulary(path: Path) -> dict[str, str]:
    async with open_store(path, clock=SystemClock(), read_only=True) as store:
        return await store.vocabulary()


async def _run(configuration: Configuration) -> int:
    # Loaded here: a run that ends by itself takes no commands.
    from postroom.service.steering import make_steering, steer

    stop = asyncio.Event()
    _on_signals(stop.set)
    # To be hung up on before it can reload must not end it.
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, log.info, "reload_too_early")
    async with open_service(configuration) as service, alive():
        steering = make_steering(service)
        loop.add_signal_handler(signal.SIGHUP, steering.reloader.request)
        await service.run(stop, partial(steer, steering))
    end_soon()
    return Exit.DONE


async def _run_once(configuration: Configuration) -> int:
    async with open_service(configuration) as service, alive():
        work = asyncio.ensure_future(service.run_once())
        _on_signals(work.cancel)
        await asyncio.wait({work})
        if work.cancelled():
            say("stopped before the end; what is left waits")
            return Exit.FAILED
        failures = work.result()
    end_soon()
    for failure in failures:
        say(printable(failure))
    return Exit.FAILED if failures else Exit.DONE


def _on_signals(end: Callable[[], object]) -> None:
    """Have SIGTERM and Ctrl-C end the work in order."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
