"""A daemon in this process: what it is told to do, and what it told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from postroom.config.configuration import Configuration, load_configuration
from postroom.service.events import Event, MessageHandled, WatchChanged
from postroom.service.opening import open_service
from postroom.service.supervisor import Service
from tests.servers.dovecot import DovecotServer

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.home]
address = "{address}"
password = "file:{folder}/word"
imap = {{ host = "127.0.0.1", port = {imap}, tls = "none" }}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", auth = false }}
watch = {watch}
existing = "process"
"""


class Told:
    """What the service told, and a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until this is so."""
        async with asyncio.timeout(30):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def until_handled(self, count: int) -> None:
        """Wait until so many messages were handled."""
        await self.until(lambda: len(self.handled()) == count)

    def waits(self, mailbox: str) -> int:
        """How often the mailbox's watcher has begun to wait."""
        waiting = ("idle", "polling")
        changes = [event for event in self.events if isinstance(event, WatchChanged)]
        return sum(
            each.mailbox == mailbox and each.state in waiting for each in changes
        )

    def handled(self) -> list[tuple[str, tuple[str, ...]]]:
        """The mailbox of each message that was handled, and the rules that matched."""
        handled = [event for event in self.events if isinstance(event, MessageHandled)]
        return [(each.message.key.mailbox, each.plan.matched) for each in handled]


class Daemon:
    """Settings and rules for a user, from which services are opened."""

    def __init__(
        self, folder: Path, dovecot: DovecotServer, user: str, smtp: int
    ) -> None:
        self.folder = folder
        self.told = Told()
        self.word = folder / "word"
        self.word.touch(mode=0o600)
        self.word.write_text(dovecot.password)
        self._dovecot, self._user, self._smtp = dovecot, user, smtp
        (folder / "rules.d").mkdir()
        self.watch("INBOX")

    def watch(self, *mailboxes: str, imap: int | None = None) -> None:
        """Write the settings."""
        settings = SETTINGS.format(
            folder=self.folder,
            address=self._dovecot.address(self._user),
            imap=imap or self._dovecot.ports.imap,
            smtp=self._smtp,
            watch=json.dumps(mailboxes),
        )
        (self.folder / "postroom.toml").write_text(settings)

    def rules(self, text: str) -> None:
        """Write the rules."""
        (self.folder / "rules.d" / "rules.toml").write_text(text)

    def configuration(self) -> Configuration:
        """What was written."""
        return load_configuration(self.folder / "postroom.toml")

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Service]:
        """Open the service."""
        configuration = self.configuration()
        async with (
            asyncio.timeout(60),
            open_service(configuration, observer=self.told) as service,
        ):
            yield service

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Service]:
        """The service at work, until it is stopped in order."""
        stop = asyncio.Event()
        async with self.service() as service, asyncio.TaskGroup() as group:
            group.create_task(service.run(stop))
            yield service
            stop.set()

    def run_once(self) -> tuple[str, ...]:
        """Handle what is there."""

        async def run() -> tuple[str, ...]:
            async with self.service() as service:
                return await service.run_once()

        return asyncio.run(run())
