"""The playground without its audience: servers, and the real daemon between them.

Everything is waited for by what the daemon tells, nothing by time alone.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.commands.demo.audience import Audience, Handled, account_of
from postroom.commands.demo.imap import HOST, ImapPlayground
from postroom.commands.demo.pop3 import PopPlayground
from postroom.commands.demo.samples import ALIASES, HOME, ISP, ISP_OWNER, OWNER, Sample
from postroom.commands.demo.smtp import SmtpPlayground
from postroom.commands.shipped import find_sample_rules
from postroom.config.configuration import Configuration, load_configuration
from postroom.service.events import Event
from postroom.service.opening import open_service
from postroom.service.supervisor import Service

_SETTINGS = """\
[postroom]
state = {state}

[account.home]
address = {address}
aliases = {aliases}
password = {password}
imap = {{ host = {host}, port = {imap}, tls = "none" }}
smtp = {{ host = {host}, port = {smtp}, tls = "none" }}

[account.isp]
address = {isp_address}
password = {password}
pop3 = {{ host = {host}, port = {pop3}, tls = "none" }}
poll = "1m"
keep = false
maildir = {maildir}
smtp = {{ account = "home" }}
"""


@dataclass(frozen=True)
class Servers:
    """The servers of the playground, and the password of its accounts there."""

    imap: ImapPlayground
    pop3: PopPlayground
    smtp: SmtpPlayground
    password: str


@dataclass(frozen=True)
class Stage:
    """The running playground, and who hears what the daemon tells of each account."""

    servers: Servers
    configuration: Configuration
    service: Service
    audiences: dict[str, Audience]
    maildir: Path

    async def deliver(self, sample: Sample) -> Handled:
        """Let a message arrive; what was made of it."""
        arrive = (
            self.bring_to_maildrop if sample.account == ISP else self.bring_to_inbox
        )
        await arrive(sample.raw)
        return await self.audiences[sample.account].until_handled()

    async def bring_to_inbox(self, raw: bytes) -> None:
        """Let a message arrive at the IMAP server, which tells of it by itself."""
        await self.servers.imap.deliver(raw)

    async def bring_to_maildrop(self, raw: bytes) -> None:
        """Let a message arrive at the POP3 server, and have the daemon look there: POP3
        tells of nothing, and it would be found at the next poll."""
        await self.servers.pop3.deliver(raw)
        self.service.stations[ISP].look()

    async def until_settled(self) -> None:
        """Return as soon as all that the rules wanted to be sent has left, and the POP3
        server holds nothing more."""
        sent = sum(audience.sent for audience in self.audiences.values())
        await self.servers.smtp.until_departed(sent)
        await self.servers.pop3.until_empty()


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    """Start servers and daemon, with files in `folder`, and wait until all is idle."""
    password = secrets.token_urlsafe(9)
    async with (
        ImapPlayground(OWNER, password) as imap,
        PopPlayground(ISP_OWNER, password) as pop3,
        SmtpPlayground(OWNER, password) as smtp,
    ):
        servers = Servers(imap, pop3, smtp, password)
        configuration = load_configuration(_write_settings(folder, servers))
        audiences = {HOME: Audience(), ISP: Audience()}

        def tell(event: Event) -> None:
            audiences[account_of(event)].events.put_nowait(event)

        async with open_service(configuration, observer=tell) as service:
            maildir = _maildir_in(folder)
            stage = Stage(servers, configuration, service, audiences, maildir)
            smtp.local.update(dict.fromkeys((OWNER, *ALIASES), stage.bring_to_inbox))
            smtp.local[ISP_OWNER] = stage.bring_to_maildrop
            async with _running(stage):
                yield stage


@asynccontextmanager
async def _running(stage: Stage) -> AsyncIterator[None]:
    """Run the daemon; it is idle when the context begins."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.service.run(stop))
        try:
            for audience in stage.audiences.values():
                await audience.until_idle()
            yield
        finally:
            stop.set()


def _maildir_in(folder: Path) -> Path:
    return folder / "Maildir"


def _write_settings(folder: Path, servers: Servers) -> Path:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(servers.password, encoding="utf-8")
    (folder / "rules.d").symlink_to(find_sample_rules())
    (folder / "state").mkdir()
    values = {
        "state": str(folder / "state"),
        "address": OWNER,
        "aliases": ALIASES,
        "isp_address": ISP_OWNER,
        "maildir": str(_maildir_in(folder)),
        "password": f"file:{secret}",
        "host": HOST,
        "imap": servers.imap.port,
        "pop3": servers.pop3.port,
        "smtp": servers.smtp.port,
    }
    quoted = {name: json.dumps(value) for name, value in values.items()}
    settings = folder / "postroom.toml"
    settings.write_text(_SETTINGS.format_map(quoted), encoding="utf-8")
    return settings
