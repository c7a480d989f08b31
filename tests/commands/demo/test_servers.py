"""The servers of the playground, asked by clients of the standard library."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from postroom.commands.demo.imap import HOST, ImapPlayground
from postroom.commands.demo.samples import OWNER, SAMPLES
from postroom.commands.demo.smtp import SmtpPlayground

PASSWORD = "open sesame"


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    """A connection to an IMAP server, logged in and with INBOX selected."""
    reader, writer = await asyncio.open_connection(HOST, port)
    wire = Wire(reader, writer)
    await reader.readline()
    await wire.ask(f'LOGIN {OWNER} "{PASSWORD}"')
    await wire.ask("SELECT INBOX")
    yield wire
    writer.close()
    await writer.wait_closed()


class Wire:
    """The lines of IMAP as they go over a connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, command: str) -> str:
        """Give a command; the answer up to the line that completes or continues it."""
        self._writer.write(f"a {command}\r\n".encode())
        answer = ""
        while not answer.rpartition("\n")[2].startswith(("a ", "+")):
            answer += "\n" + await self.line()
        return answer

    async def line(self) -> str:
        """The next line from the server."""
        async with asyncio.timeout(10):
            return (await self._reader.readline()).decode().strip()


def test_a_client_that_idles_is_told_of_a_delivery() -> None:
    """The push is what the daemon waits for."""

    async def scenario() -> str:
        async with (
            ImapPlayground(OWNER, PASSWORD) as imap,
            connected(imap.port) as wire,
        ):
            await wire.ask("IDLE")
            await imap.deliver(SAMPLES[0].raw)
            return await wire.line()

    assert asyncio.run(scenario()) == "* 1 EXISTS"


def test_what_came_before_idle_is_told_when_idle_begins() -> None:
    """Nothing falls between the last command and IDLE."""

    async def scenario() -> str:
        async with (
            ImapPlayground(OWNER, PASSWORD) as imap,
            connected(imap.port) as wire,
        ):
            await imap.deliver(SAMPLES[0].raw)
            await wire.ask("IDLE")
            return await wire.line()

    assert asyncio.run(scenario()) == "* 1 EXISTS"


def test_every_sample_is_kept_octet_by_octet() -> None:
    """Even those that are hardly mail."""

    async def scenario() -> list[bytes]:
        async with ImapPlayground(OWNER, PASSWORD) as imap:
            for sample in SAMPLES:
                await imap.deliver(sample.raw)
            return [stored.content for stored in (await imap.mailboxes())["INBOX"]]

    assert asyncio.run(scenario()) == [sample.raw for sample in SAMPLES]


def test_the_mailboxes_show_what_a_client_moved_and_flagged() -> None:
    """Flags and subjects are those that a mail program would show."""

    def move(port: int) -> None:
        with imaplib.IMAP4(HOST, port) as client:
            client.login(OWNER, PASSWORD)
            client.create("Lists")
            client.select("INBOX")
            client.store("1", "+FLAGS", r"(\Flagged)")
            client.uid("MOVE", "101", "Lists")

    async def scenario() -> dict[str, list[tuple[frozenset[str], str]]]:
        async with ImapPlayground(OWNER, PASSWORD) as imap:
            await imap.deliver(SAMPLES[9].raw)
            await asyncio.to_thread(move, imap.port)
            found = await imap.mailboxes()
        return {
            name: [(stored.flags, stored.subject) for stored in messages]
            for name, messages in found.items()
        }

    flagged = frozenset({"\\Flagged"})
    assert asyncio.run(scenario()) == {
        "INBOX": [],
        "Lists": [(flagged, "Réunion du mardi : ordre du jour")],
    }


def test_a_wrong_password_is_refused() -> None:
    """The playground is no open door for other programs of the machine."""

    async def scenario() -> tuple[str, bool]:
        async with (
            ImapPlayground(OWNER, PASSWORD) as imap,
            SmtpPlayground(OWNER, PASSWORD) as smtp,
        ):
            reader, writer = await asyncio.open_connection(HOST, imap.port)
            await reader.readline()
            refusal = await Wire(reader, writer).ask(f"LOGIN {OWNER} guess")
            writer.close()
            await writer.wait_closed()
            return refusal, await asyncio.to_thread(may_log_in, smtp.port, "guess")

    def may_log_in(port: int, password: str) -> bool:
        with smtplib.SMTP(HOST, port) as client:
            try:
                client.login(OWNER, password)
            except smtplib.SMTPAuthenticationError:
                return False
            return True

    refusal, let_in = asyncio.run(scenario())
    assert refusal.strip().startswith("a NO")
    assert not let_in


@pytest.mark.parametrize(("sender", "kept"), [("", "<>"), (OWNER, OWNER)])
def test_what_leaves_is_kept_with_its_envelope(sender: str, kept: str) -> None:
    """The null sender of a bounce is kept as it is."""

    def send(port: int) -> None:
        with smtplib.SMTP(HOST, port) as client:
            client.login(OWNER, PASSWORD)
            client.sendmail(sender, ["a@one.example", "b@two.example"], letter)

    async def scenario() -> SmtpPlayground:
        async with SmtpPlayground(OWNER, PASSWORD) as smtp:
            await asyncio.to_thread(send, smtp.port)
            return smtp

    letter = SAMPLES[1].raw
    [departed] = asyncio.run(scenario()).departed
    assert departed.sender == kept
    assert departed.recipients == ("a@one.example", "b@two.example")
    assert departed.content == letter
    assert departed.subject == "Invoice 2026-0117 for January"


def test_mail_to_a_local_address_arrives_in_its_mailbox() -> None:
    """So that one's own mail program can send something to the rules."""

    def send(port: int) -> None:
        with smtplib.SMTP(HOST, port) as client:
            client.sendmail("me@away.example", [OWNER], SAMPLES[0].raw)

    async def scenario() -> list[bytes]:
        async with (
            ImapPlayground(OWNER, PASSWORD) as imap,
            SmtpPlayground(OWNER, PASSWORD) as smtp,
        ):
            smtp.local[OWNER] = imap.deliver
            await asyncio.to_thread(send, smtp.port)
            return [stored.content for stored in (await imap.mailboxes())["INBOX"]]

    assert asyncio.run(scenario()) == [SAMPLES[0].raw]


def test_closing_ends_the_connections_that_are_open() -> None:
    """A client that stays can't keep the playground from ending."""

    async def scenario() -> tuple[bytes, bytes]:
        async with (
            ImapPlayground(OWNER, PASSWORD) as imap,
            SmtpPlayground(OWNER, PASSWORD) as smtp,
        ):
            mail_in = await asyncio.open_connection(HOST, imap.port)
            mail_out = await asyncio.open_connection(HOST, smtp.port)
            await mail_in[0].readline()
            await mail_out[0].readline()
        async with asyncio.timeout(10):
            last = await mail_in[0].read(), await mail_out[0].read()
        for _, writer in (mail_in, mail_out):
            writer.close()
            await writer.wait_closed()
        return last

    last_of_imap, last_of_smtp = asyncio.run(scenario())
    assert last_of_imap.startswith(b"* BYE")
    assert last_of_smtp == b""
