"""What a daemon opens, in which order: one exit stack closes it in the reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from postroom import __version__
from postroom.config.configuration import Configuration
from postroom.config.settings import Settings
from postroom.failpoints import Point, reach
from postroom.hooks.leash import Leash
from postroom.hooks.plugins import Plugins
from postroom.log import get_logger
from postroom.ports import Clock, Memories
from postroom.service.assembly import Assembly
from postroom.service.clock import SystemClock
from postroom.service.connections import identities, references, sought_relays
from postroom.service.door import Door
from postroom.service.events import Observer, ignore
from postroom.service.holds import Holds
from postroom.service.housekeeping import Housekeeper
from postroom.service.moving import move_maildirs, tell_left_maildirs
from postroom.service.provision import Provision
from postroom.service.rulebook import Edition, Rulebook
from postroom.service.supervisor import Service
from postroom.service.vault import Vault
from postroom.service.web import Web
from postroom.store.database import open_store
from postroom.store.store import SqlStore

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

    Raises `ConfigError` for secrets that can't be had, `StoreError`, and what entering
    the lifespans of plugins raises.
    """
    clock = clock or SystemClock()
    settings, plugins = configuration.settings, configuration.plugins
    async with AsyncExitStack() as stack:
        vault = Vault(configuration.secrets)
        await vault.open(set(references(configuration)))
        path = settings.postroom.state / STORE_NAME
        store = await stack.enter_async_context(
            open_store(path, clock=clock, version=__version__)
        )
        await recognise(configuration, store)
        await plugins.enter_lifespans(stack, settings.plugin)
        await store.note_vocabulary(vocabulary(plugins))
        holds = Holds(store, clock)
        await holds.open(configuration.rules)
        run = await store.begin_run("live", configuration.ruleset)
        book = Rulebook(Edition.of(run, configuration.rules))
        keeper = Housekeeper(store, path, lambda: settings.postroom, clock)
        await _recover(store, keeper, clock, sought_relays(configuration))
        stack.push_async_callback(keeper.note_standing)
        await store.notice("reload", "")
        leash = Leash()
        stack.push_async_callback(leash.close)
        provision = make_provision(configuration, store, clock)
        shared = (configuration, store, vault, clock, observer)
        door = Door(not settings.postroom.hold)
        parts = Assembly(*shared, book, holds, provision, leash, door)
        keeper.table = lambda: parts.configuration.settings.postroom
        keeper.may_expire = parts.lookout.wall.may_expire
        yield Service(parts, keeper)


async def _recover(
    store: SqlStore, keeper: Housekeeper, clock: Clock, sought: Collection[str]
) -> None:
    """Settle what the last end cut off, and what may have gone out since."""
    unknown = await store.recover(clock.now(), sought=sought)
    if unknown:
        log.warning("deliveries_unknown", count=unknown)
    reach(Point.R1)
    await keeper.open()


async def recognise(
    configuration: Configuration, store: SqlStore, before: Settings | None = None
) -> None:
    """Note which login each account has, and have what goes on under a new name found
    under it; `before` is what the settings were, if that is known."""
    renamed = await store.recognise(identities(configuration))
    for name, called in renamed.items():
        log.warning("account_renamed", account=name, before=called)
    settings = configuration.settings
    drops = {
        name: await store.maildrop(name)
        for name, table in settings.account.items()
        if table.pop3
    }
    owners = {name: drop.uidvalidity for name, drop in drops.items()}
    visited = {name: owners[name] for name, drop in drops.items() if drop.uidnext > 1}
    failures = await asyncio.to_thread(move_maildirs, settings, owners)
    await store.notice("maildirs", "; ".join(failures))
    await asyncio.to_thread(tell_left_maildirs, settings, visited, before)
    _warn_of_missing_relays(configuration, await store.waiting_relays())


def make_provision(
    configuration: Configuration, memories: Memories, clock: Clock, *, dry: bool = False
) -> Provision:
    """What gives plugins their services."""
    settings = configuration.settings
    state, umask = settings.postroom.state, settings.postroom.umask
    parts = (settings.plugin, state, memories, clock, Web())
    own = configuration.own_places
    return Provision(*parts, dry=dry, umask=umask, own=own)


def store_path(configuration: Configuration) -> Path:
    """Where the store is."""
    return configuration.settings.postroom.state / STORE_NAME


def vocabulary(plugins: Plugins) -> dict[str, str]:
    """Which plugin each condition and action came with."""
    conditions = {f"condition {n}": e.plugin for n, e in plugins.conditions.items()}
    return conditions | {f"action {n}": e.plugin for n, e in plugins.actions.items()}


def _warn_of_missing_relays(
    configuration: Configuration, waiting: Mapping[str, int]
) -> None:
    """Mail that waits for a relay that the settings no longer have."""
    accounts = configuration.settings.account
    for name, count in waiting.items():
        if name not in accounts or configuration.relay_of(name) != name:
            log.error("relay_missing", relay=name, deliveries=count)
