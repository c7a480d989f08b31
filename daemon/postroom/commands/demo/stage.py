"""The playground without its audience: two servers, and the real daemon between them.

Everything is waited for by what the daemon tells, nothing by time alone.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from postroom.commands.demo.imap import HOST, ImapPlayground
from postroom.commands.demo.sample_rules import find_sample_rules
from postroom.commands.demo.samples import ALIASES, OWNER
from postroom.commands.demo.smtp import SmtpPlayground
from postroom.config.configuration import Configuration, load_configuration
from postroom.mail.message import Message
from postroom.ports import EffectState
from postroom.rules.effects import Send
from postroom.rules.plan import Plan
from postroom.service.events import (
    EffectFinished,
    Event,
    MessageFailed,
    MessageHandled,
    WatchChanged,
    WatchState,
)
from postroom.service.opening import open_service

_SETTINGS = """\
[postroom]
state = {state}

[account.demo]
address = {address}
aliases = {aliases}
password = {password}
imap = {{ host = {host}, port = {imap}, tls = "none" }}
smtp = {{ host = {host}, port = {smtp}, tls = "none" }}
"""


@dataclass(frozen=True)
class Handled:
    """One message that was handled; `troubles` is what did not go as planned.

    Where nothing could be decided, the plan and its trace are empty.
    """

    message: Message
    plan: Plan
    troubles: tuple[str, ...] = ()


@dataclass
class Stage:
    """The running playground; `events` is what the daemon tells."""

    imap: ImapPlayground
    smtp: SmtpPlayground
    configuration: Configuration
    password: str
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    sent: int = 0
    newest: int = 0

    async def until_idle(self) -> list[Handled]:
        """What the daemon has handled by the time it waits for the next push."""
        handled: dict[int, Handled] = {}
        troubles: dict[int, list[str]] = {}
        while True:
            match await self.events.get():
                case MessageHandled(message, plan):
                    handled[message.key.uid] = Handled(message, plan)
                    self.sent += _count_sends(plan)
                case MessageFailed(message, reason):
                    handled[message.key.uid] = Handled(message, Plan())
                    troubles.setdefault(message.key.uid, []).append(reason)
                case EffectFinished(effect, state, detail) if (
                    state is not EffectState.DONE
                ):
                    told = f"{state}: {detail}"
                    troubles.setdefault(effect.message.uid, []).append(told)
                case WatchChanged(state=WatchState.IDLE):
                    return _join(handled, troubles)

    async def deliver(self, raw: bytes) -> Handled:
        """Let a message arrive; what was made of it."""
        await self.imap.deliver(raw)
        while True:
            for handled in await self.until_idle():
                # An older one is a message that could not be decided, tried again.
                if handled.message.key.uid > self.newest:
                    self.newest = handled.message.key.uid
                    return handled

    async def until_sent(self) -> None:
        """Return as soon as all that the rules wanted to be sent has left."""
        await self.smtp.until_departed(self.sent)


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    """Start servers and daemon, with files in `folder`, and wait until all is idle."""
    password = secrets.token_urlsafe(9)
    async with (
        ImapPlayground(OWNER, password) as imap,
        SmtpPlayground(OWNER, password) as smtp,
    ):
        smtp.local.update(dict.fromkeys((OWNER, *ALIASES), imap.deliver))
        settings = _write_settings(folder, imap.port, smtp.port, password)
        configuration = load_configuration(settings)
        stage = Stage(imap, smtp, configuration, password)
        observer = stage.events.put_nowait
        stop = asyncio.Event()
        async with (
            open_service(configuration, observer=observer) as service,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(service.run(stop))
            try:
                await stage.until_idle()
                yield stage
            finally:
                stop.set()


def _write_settings(folder: Path, imap: int, smtp: int, password: str) -> Path:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    (folder / "rules.d").symlink_to(find_sample_rules())
    (folder / "state").mkdir()
    values = {
        "state": str(folder / "state"),
        "address": OWNER,
        "aliases": ALIASES,
        "password": f"file:{secret}",
        "host": HOST,
        "imap": imap,
        "smtp": smtp,
    }
    quoted = {name: json.dumps(value) for name, value in values.items()}
    settings = folder / "postroom.toml"
    settings.write_text(_SETTINGS.format_map(quoted), encoding="utf-8")
    return settings


def _count_sends(plan: Plan) -> int:
    return sum(isinstance(planned.effect, Send) for planned in plan.effects)


def _join(handled: dict[int, Handled], troubles: dict[int, list[str]]) -> list[Handled]:
    return [
        Handled(one.message, one.plan, tuple(troubles.get(uid, ())))
        for uid, one in handled.items()
    ]
