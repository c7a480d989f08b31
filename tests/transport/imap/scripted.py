"""An IMAP server on loopback that says exactly what a test tells it to say.

A test is a dialogue: a play for the server, and what the client does meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from postroom.transport.imap.account import ImapAccount
from postroom.transport.imap.framing import Limits
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.imap.server import Timings
from postroom.transport.imap.session import ImapSession
from postroom.transport.tls import Tls, Trust

ALL = "IMAP4rev1 IDLE MOVE UIDPLUS"

# Generous, so that a slow machine fails no test; a test of lateness makes one short. A
# probe of IDLE never comes by itself: what should wake a waiter must.
PATIENT = Timings(
    connect=20, login=20, command=20, silence=20, bulk=20, idle_probe=600, logout=20
)


@dataclass
class Peer:
    """The server's side of one connection; `heard` has the commands, without tags."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[str] = field(default_factory=list)

    def say(self, *lines: str | bytes) -> None:
        """Say these lines."""
        for line in lines:
            octets = line if isinstance(line, bytes) else line.encode()
            self.writer.write(octets + b"\r\n")

    async def line(self) -> str:
        """The next line of the client; empty once it has hung up."""
        return (await self.reader.readline()).decode().removesuffix("\r\n")

    async def expect(self, command: str) -> str:
        """The tag of the next command, which must begin like this."""
        tag, _, said = (await self.line()).partition(" ")
        self.heard.append(said)
        assert said.startswith(command), f"{said!r} came instead of {command!r}"
        return tag

    async def answer(
        self, command: str, *lines: str | bytes, end: str = "OK done"
    ) -> None:
        """Take a command, say these lines, and end it."""
        tag = await self.expect(command)
        self.say(*lines, f"{tag} {end}")

    async def log_in(self, capabilities: str = ALL, delimiter: str = "/") -> None:
        """Greet, and let the client in."""
        self.say("* OK hello")
        await self.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await self.answer("LOGIN")
        await self.answer("CAPABILITY", f"* CAPABILITY {capabilities}")
        await self.answer('LIST "" ""', f'* LIST (\\Noselect) "{delimiter}" ""')

    async def select(self, *more: str, exists: int = 0) -> None:
        """Let the client select a mailbox of UIDVALIDITY 7."""
        await self.answer(
            "SELECT", f"* {exists} EXISTS", "* OK [UIDVALIDITY 7] fine", *more
        )

    async def begin(self, capabilities: str = ALL, exists: int = 0) -> None:
        """Greet, let the client in, and let it select."""
        await self.log_in(capabilities)
        await self.select(exists=exists)

    async def end(self) -> None:
        """Take the client's leave."""
        tag = await self.expect("LOGOUT")
        self.say("* BYE bye", f"{tag} OK done")
        await self.gone()

    async def gone(self) -> None:
        """Say nothing more, and return once the client has hung up."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(4096):
                pass

    async def flood(self, line: str) -> None:
        """Say this line again and again until the client has hung up."""
        with contextlib.suppress(ConnectionError):
            while True:
                self.say(*[line] * 50)
                await self.writer.drain()
                await asyncio.sleep(0)

    def cut(self) -> None:
        """Hang up without a word: the client reads the end of the file."""
        self.writer.close()

    def reset(self) -> None:
        """Hang up rudely: the client's connection is reset."""
        linger = struct.pack("ii", 1, 0)
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Play = Callable[[Peer], Awaitable[None]]
Use = Callable[[ImapMailbox], Awaitable[None]]


@contextlib.asynccontextmanager
async def theatre(play: Play) -> AsyncIterator[int]:
    """The port of a server that acts this play; what fails in it fails the test."""
    acts: list[asyncio.Future[None]] = []

    async def perform(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        act: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acts.append(act)
        try:
            await play(Peer(reader, writer))
        except (AssertionError, OSError) as error:
            act.set_exception(error)
        else:
            act.set_result(None)
        finally:
            writer.close()

    server = await asyncio.start_server(perform, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*acts)


def account_at(
    port: int,
    *,
    host: str = "127.0.0.1",
    tls: Tls = Tls.NONE,
    trust: Trust | None = None,
    user: str = "ann",
    password: str | Callable[[], str] | None = "secret",
    watched: Sequence[str] = (),
    timings: Timings = PATIENT,
    limits: Limits | None = None,
) -> ImapAccount:
    """An account on a server of loopback."""
    return ImapAccount(
        "home",
        host=host,
        port=port,
        user=user,
        password=password,
        tls=tls,
        trust=trust or Trust(),
        watched=watched,
        timings=timings,
        limits=limits,
    )


def attend(
    play: Play,
    use: Callable[[ImapSession], Awaitable[None]],
    timings: Timings = PATIENT,
    limits: Limits | None = None,
    watched: Sequence[str] = (),
) -> None:
    """Let the client log in and use its session while the server acts the play."""

    async def main() -> None:
        async with asyncio.timeout(30), theatre(play) as port:
            account = account_at(port, timings=timings, limits=limits, watched=watched)
            async with account.connect() as session:
                await use(session)

    asyncio.run(main())


def meet(
    play: Play,
    use: Use,
    mailbox: str = "INBOX",
    timings: Timings = PATIENT,
    limits: Limits | None = None,
    watched: Sequence[str] | None = None,
) -> None:
    """Let the client open a mailbox and use it while the server acts the play.

    Without `watched` that is the one that is watched.
    """

    async def opened(session: ImapSession) -> None:
        await use(await session.open(mailbox))

    watched = [mailbox] if watched is None else watched
    attend(play, opened, timings, limits, watched)


async def nothing(mailbox: ImapMailbox) -> None:
    """Use the mailbox for nothing."""
