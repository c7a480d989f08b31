"""What a daemon opens, in which order: one exit stack closes it in the reverse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from postroom import __version__
from postroom.config.configuration import Configuration
from postroom.log import get_logger
from postroom.ports import Clock
from postroom.service.assembly import Assembly
from postroom.service.clock import SystemClock
from postroom.service.connections import (
    identities,
    references,
)
from postroom.service.events import Observer, ignore
from postroom.service.supervisor import Service
from postroom.service.vault import Vault
from postroom.store.database import open_store

log = get_logger()

STORE_NAME = "postroom.db"


@asynccontextmanager
async def open_service(
    configuration: Configuration,
    *,
    observer: Observer = ignore,
    clock: Clock | None = None,
) -> AsyncIterator[Service]:
    """Open everything that a daemon needs, and close it at the end.

    Raises `ConfigError` for secrets that can't be had, and `StoreError`.
    """
    clock = clock or SystemClock()
    settings = configuration.settings
    async with AsyncExitStack() as stack:
        vault = Vault(configuration.secrets)
        await vault.open(set(references(configuration)))
        path = settings.postroom.state / STORE_NAME
        store = await stack.enter_async_context(
            open_store(path, clock=clock, version=__version__)
        )
        renamed = await store.recognise(identities(configuration))
        for name, before in renamed.items():
            log.warning("account_renamed", account=name, before=before)
        await configuration.plugins.enter_lifespans(stack, settings.plugin)
        run = await store.begin_run("live", configuration.ruleset)
        unknown = await store.recover(clock.now())
        if unknown:
            log.warning("deliveries_unknown", count=unknown)
        _warn_of_missing_relays(configuration, await store.waiting_relays())
        yield Assembly(configuration, store, vault, clock, observer, run).service()


def _warn_of_missing_relays(
    configuration: Configuration, waiting: Mapping[str, int]
) -> None:
    """Mail that waits for a relay that the settings no longer have."""
    accounts = configuration.settings.account
    for name, count in waiting.items():
        if name not in accounts or configuration.relay_of(name) != name:
            log.error("relay_missing", relay=name, deliveries=count)
