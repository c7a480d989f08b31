"""Reading again what the owner wrote, while the daemon runs.

Invariant: it is all taken over or none of it. Accounts and relays that are the same as
before go on undisturbed; the code of plugins is never read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from postroom.config.configuration import Configuration, load_configuration
from postroom.config.settings import SmtpServer
from postroom.errors import ConfigError, PluginError, Problem
from postroom.log import get_logger
from postroom.service import systemd
from postroom.service.codefiles import CodeFiles
from postroom.service.connections import make_relays, references
from postroom.service.opening import recognise
from postroom.service.rulebook import Edition
from postroom.service.supervisor import Service
from postroom.store.store import SqlStore

log = get_logger()

_NOTICE = "reload"


@dataclass
class Reloader:
    """Reloads a running service, one reload at a time."""

    service: Service
    code: CodeFiles
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def store(self) -> SqlStore:
        """The store of the service."""
        return self.service.assembly.store

    async def reload(self) -> list[str]:
        """Take over what is written now; or what is wrong with it, and all stays."""
        async with self._one_at_a_time:
            try:
                configuration = await self._read()
                edition = await self._prepare(configuration)
            except (ConfigError, PluginError) as error:
                return await self._refuse(str(error).splitlines())
            await self._take_over(configuration, edition)
            await self._tell(configuration)
            return []

    async def _read(self) -> Configuration:
        now = self.service.assembly.configuration
        remembered = await self.store.vocabulary()
        configuration = await asyncio.to_thread(
            load_configuration, now.path, lambda: now.plugins, remembered
        )
        if configuration.settings.postroom.state != now.settings.postroom.state:
            told = "another state folder needs a restart"
            raise ConfigError([Problem(str(now.path), told, key="postroom.state")])
        return configuration

    async def _prepare(self, configuration: Configuration) -> Edition:
        """All that can fail, before anything is changed."""
        vault = self.service.assembly.vault
        await vault.open(set(references(configuration)))
        run = await self.store.begin_run("live", configuration.ruleset)
        return Edition.of(run, configuration.rules)

    async def _take_over(self, configuration: Configuration, edition: Edition) -> None:
        parts = self.service.assembly
        before, parts.configuration = parts.configuration, configuration
        await recognise(configuration, self.store)
        await parts.holds.open(configuration.rules)
        parts.book.edition = edition
        ended = list(_changed_accounts(before, configuration))
        await asyncio.gather(*(self.service.end(name) for name in ended))
        await self._change_relays(before, configuration)
        for name in configuration.settings.account:
            if name not in parts.stations and name not in parts.holds.accounts:
                self.service.begin(name)
        parts.door.is_open = not configuration.settings.postroom.hold
        parts.ring_outward()
        for watch in self.service.watches:
            watch.call()

    async def _change_relays(self, before: Configuration, after: Configuration) -> None:
        parts = self.service.assembly
        old, new = _relay_tables(before), _relay_tables(after)
        relays = {
            name: relay
            for name, relay in make_relays(after, parts.vault).items()
            if new[name] != old.get(name)
        }
        await parts.sender.change(relays, old.keys() - new.keys())

    async def _refuse(self, problems: list[str]) -> list[str]:
        told = f"the last reload was refused: {problems[0]}"
        more = len(problems) - 1
        await self.store.notice(_NOTICE, f"{told} (and {more} more)" if more else told)
        log.error("reload_refused", problems=problems)
        return problems

    async def _tell(self, configuration: Configuration) -> None:
        stale = [*self.code.changed(), *self._stale_options(configuration)]
        told = f"a restart is needed for {', '.join(stale)}" if stale else ""
        await self.store.notice(_NOTICE, told)
        rules, accounts = len(configuration.rules), len(configuration.settings.account)
        log.info("reloaded", rules=rules, accounts=accounts, stale=stale)
        systemd.notify(f"STATUS=watching {len(self.service.watches)} mailboxes")

    def _stale_options(self, configuration: Configuration) -> Iterator[str]:
        """Tables of plugins that they were given at the start, and are others now."""
        given = self.service.assembly.provision.tables
        for name in given.keys() | configuration.settings.plugin.keys():
            if given.get(name) != configuration.settings.plugin.get(name):
                yield f"[plugin.{name}]"


def _changed_accounts(before: Configuration, after: Configuration) -> Iterator[str]:
    for name in before.settings.account:
        if _account_key(before, name) != _account_key(after, name):
            yield name


def _account_key(configuration: Configuration, name: str) -> object:
    """All that what looks after an account is made of; None without the account."""
    table = configuration.settings.account.get(name)
    if table is None:
        return None
    max_size = configuration.settings.postroom.max_size
    return table, configuration.owner(name), max_size


def _relay_tables(configuration: Configuration) -> dict[str, object]:
    """All that each relay is made of."""
    return {
        name: (table.smtp, table.address, table.password)
        for name, table in configuration.settings.account.items()
        if isinstance(table.smtp, SmtpServer)
    }
