"""Reading again what the owner wrote, while the daemon runs.

Invariant: it is all taken over or none of it. All that can fail comes before the first
change; what is changed stops before its successor begins. Accounts and relays that are
the same as before go on undisturbed; the code of plugins is never read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from postroom.config.configuration import Configuration, load_configuration
from postroom.config.writable import find_unusable_maildirs
from postroom.errors import (
    ConfigError,
    Problem,
    StoreUnavailable,
    TemporaryError,
)
from postroom.hooks.aside import done_aside
from postroom.log import get_logger, printable
from postroom.service import systemd
from postroom.service.codefiles import CodeFiles
from postroom.service.connections import account_key, reference_of, references
from postroom.service.opening import recognise
from postroom.service.rulebook import Edition
from postroom.service.supervisor import Service
from postroom.store.store import SqlStore

log = get_logger()

_NOTICE = "reload"
# Secrets that programs print, and rules that plugins bring, may take a while.
_READING = 120.0
_STORE_PAUSE = 5.0


@dataclass
class Reloader:
    """Reloads a running service: whoever asks waits, and need not."""

    service: Service
    code: CodeFiles
    _asked: asyncio.Queue[asyncio.Future[list[str]]] = field(
        default_factory=asyncio.Queue
    )

    @property
    def store(self) -> SqlStore:
        """The store of the service."""
        return self.service.assembly.store

    def request(self) -> asyncio.Future[list[str]]:
        """Have a reload done; its problems, if all stays as it was."""
        asked = asyncio.get_running_loop().create_future()
        self._asked.put_nowait(asked)
        return asked

    async def run(self) -> NoReturn:
        """Do what is asked for, one reload at a time, until cancelled."""
        while True:
            asked = await self._asked.get()
            systemd.notify_reloading()
            async with self.service.changing:
                problems = await self._reload()
            await self.service.tell("READY=1")
            if not asked.done():
                asked.set_result(problems)

    async def _reload(self) -> list[str]:
        try:
            configuration = await self._read()
            wanted = set(references(configuration))
            secrets = await self.service.assembly.vault.open(wanted)
            run = await self.store.begin_run("live", configuration.ruleset)
        except (ConfigError, TemporaryError) as error:
            return await self._refuse(str(error).splitlines())
        edition = Edition.of(run, configuration.rules)
        await self._take_over(configuration, edition, secrets)
        await self._tell(configuration)
        return []

    # -- what can fail -----------------------------------------------------------------

    async def _read(self) -> Configuration:
        now = self.service.assembly.configuration
        remembered = await self.store.vocabulary()

        def read() -> Configuration:
            wanted = load_configuration(now.path, lambda: now.plugins, remembered)
            if problems := [*find_unusable_maildirs(wanted, _changed(now, wanted))]:
                raise ConfigError(problems)
            return wanted

        configuration = await done_aside("reading what was written", read, _READING)
        if configuration.settings.postroom.state != now.settings.postroom.state:
            told = "another state folder needs a restart"
            raise ConfigError([Problem(str(now.path), told, key="postroom.state")])
        return configuration

    # -- what can't --------------------------------------------------------------------

    async def _take_over(
        self, configuration: Configuration, edition: Edition, secrets: Collection[str]
    ) -> None:
        """Go on by these; logins by `secrets`, which have changed, are tried again."""
        parts, settings = self.service.assembly, configuration.settings
        parts.door.is_open = parts.door.is_open and not settings.postroom.hold
        await self.service.end_all(parts.changed_accounts(configuration))
        await parts.change_relays(configuration)
        # What was ended may have been renamed, or be another login from now on.
        before = parts.configuration.settings
        await _until_written(lambda: recognise(configuration, self.store, before))
        await _until_written(lambda: parts.holds.open(configuration.rules))
        parts.configuration, parts.book.edition = configuration, edition
        self.service.begin_all()
        parts.door.is_open = not settings.postroom.hold
        parts.try_outward_now()
        for name, station in self.service.stations.items():
            reference = reference_of(configuration, name)
            station.look(secret_changed=reference in secrets)

    async def _refuse(self, problems: list[str]) -> list[str]:
        log.error("reload_refused", problems=problems)
        told = f"the last reload was refused: {problems[0]}"
        more = len(problems) - 1
        await self._notice(f"{told} (and {more} more)" if more else told)
        return problems

    async def _tell(self, configuration: Configuration) -> None:
        stale = [*self.code.changed(), *self._stale_options(configuration)]
        await self._notice(
            f"a restart is needed for {', '.join(stale)}" if stale else ""
        )
        rules, accounts = len(configuration.rules), len(configuration.settings.account)
        log.info("reloaded", rules=rules, accounts=accounts, stale=stale)

    async def _notice(self, text: str) -> None:
        self.service.assembly.line.notice(_NOTICE, printable(text))
        try:
            await self.store.notice(_NOTICE, text)
        except StoreUnavailable as error:
            log.warning("store_unavailable", error=str(error))

    def _stale_options(self, configuration: Configuration) -> Iterator[str]:
        """Tables of plugins that they were given at the start, and are others now."""
        given = self.service.assembly.provision.tables
        for name in given.keys() | configuration.settings.plugin.keys():
            if given.get(name) != configuration.settings.plugin.get(name):
                yield f"[plugin.{name}]"


def _changed(now: Configuration, wanted: Configuration) -> list[str]:
    """The accounts that are new, or others than before."""
    keys = {name: account_key(now, name) for name in now.settings.account}
    there = wanted.settings.account
    return [n for n in there if n not in keys or account_key(wanted, n) != keys[n]]


async def _until_written(write: Callable[[], Awaitable[None]]) -> None:
    """Write to the store, however long that takes: there is no way back any more."""
    while True:
        try:
            return await write()
        except StoreUnavailable as error:
            log.warning("store_unavailable", error=str(error))
            await asyncio.sleep(_STORE_PAUSE)
