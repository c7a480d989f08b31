"""What every test of the relay begins with: a message, a relay, a scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from postroom.mail.envelope import Envelope, Outgoing
from postroom.ports import Receipt
from postroom.transport.smtp import SmtpRelay, SubmissionServer, Timings
from postroom.transport.tls import Tls, Trust
from tests.transport.smtp.scripted import ScriptedServer, scripted_server

CONTENT = b"Subject: hello\r\nDate: today\r\n\r\n.a line\r\n.\r\nthe end\r\n"
SHORT = Timings(connect=5, command=5, block=5, final_dot=5, quit=1)
HASTY = Timings(connect=0.2, command=0.2, block=0.2, final_dot=0.2, quit=0.2)


def outgoing(
    *recipients: str,
    sender: str | None = "me@example.org",
    content: bytes = CONTENT,
) -> Outgoing:
    """A message to these recipients, or to ann."""
    envelope = Envelope(sender, recipients or ("ann@example.com",))
    return Outgoing("home", envelope, content, "<1@example.org>")


async def forget(_: Sequence[str]) -> None:
    """Take no note of what is announced."""


@dataclass
class Dealings:
    """A relay, the server it talks to, and what was announced before each dot."""

    relay: SmtpRelay
    server: ScriptedServer
    announced: list[tuple[str, ...]] = field(default_factory=list)

    async def send(self, message: Outgoing) -> dict[str, Receipt]:
        """Send to all of the message's recipients."""
        return await self.relay.send(
            message, message.envelope.recipients, self.before_dot
        )

    async def before_dot(self, accepted: Sequence[str]) -> None:
        """Note what was announced."""
        self.announced.append(tuple(accepted))


def submission(
    port: int,
    tls: Tls = Tls.NONE,
    trust: Trust | None = None,
    *,
    host: str = "127.0.0.1",
    password: Callable[[], str] | None = None,
    timings: Timings = SHORT,
) -> SubmissionServer:
    """How to reach a server on loopback."""
    return SubmissionServer(
        host,
        port,
        tls,
        trust or Trust(),
        "client.example",
        "postroom",
        password,
        timings,
    )


@asynccontextmanager
async def dealings(
    server: ScriptedServer | None = None,
    *,
    timings: Timings = SHORT,
    password: Callable[[], str] | None = None,
) -> AsyncIterator[Dealings]:
    """A relay and its scripted server, until the end of the block."""
    async with scripted_server(server or ScriptedServer()) as running:
        relay = SmtpRelay(submission(running.port, password=password, timings=timings))
        try:
            yield Dealings(relay, running)
        finally:
            await relay.close()
