"""An SMTP server in a thread of this process: keeps what it takes, can misbehave."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.certificates import Certificates
from tests.servers.programs import LOOPBACK, wait_until

Tls = Literal["none", "starttls", "tls"]


@dataclass(frozen=True)
class Received:
    """One transaction: the envelope, its options, and the octets after DATA.

    `connection` is the same for all that came over one connection; `at` is when the
    final dot was read, by `time.monotonic`.
    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    sender_options: tuple[str, ...]
    recipient_options: tuple[str, ...]
    connection: int
    at: float = field(default_factory=time.monotonic)


@dataclass
class RecordingSmtp:
    """A running SMTP server; what it does next is set by its attributes.

    `refusals` answers RCPT (recipient to reply), `data_reply` answers the final dot in
    place of an acceptance, and of the next `drops` transactions the octets are kept in
    `dropped`, but the connection ends without a reply. `at_dot` is called
    with the octets of the next transaction, which is never answered; `at_recipient`
    with each one at RCPT, and `before_acceptance` after the dot, before that is
    answered. An acceptance tells its place in `received`.
    """

    port: int = 0
    host: str = LOOPBACK
    user: str = "postroom"
    password: str = "secret"
    refusals: dict[str, str] = field(default_factory=dict)
    data_reply: str | None = None
    drops: int = 0
    at_dot: Callable[[bytes], None] | None = None
    at_recipient: Callable[[str], None] | None = None
    before_acceptance: Callable[[], None] | None = None
    received: list[Received] = field(default_factory=list)
    dropped: list[Received] = field(default_factory=list)

    def wait_for(self, count: int, seconds: float = 20) -> list[Received]:
        """All that has been received, once it is that many."""
        what = f"{count} messages at the SMTP sink, which has {len(self.received)}"
        wait_until(lambda: len(self.received) >= count, what, seconds)
        return list(self.received)

    # The names below are aiosmtpd's.

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Accept or refuse a recipient."""
        if self.at_recipient is not None:
            await asyncio.to_thread(self.at_recipient, address)
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the message and say so, or do what has been set."""
        if self.at_dot is not None:
            at_dot, self.at_dot = self.at_dot, None
            # In a thread: whoever it kills may wait for this loop.
            await asyncio.to_thread(at_dot, bytes(envelope.original_content or b""))
            _abort(server)
            return "421 4.3.2 never read"
        if self.data_reply is not None:
            return self.data_reply
        if self.drops > 0:
            self.drops -= 1
            self.dropped.append(_received(server, envelope))
            _abort(server)
            return "421 4.3.2 never read"
        if self.before_acceptance is not None:
            await asyncio.to_thread(self.before_acceptance)
        self.received.append(_received(server, envelope))
        return acceptance(len(self.received) - 1)

    def authenticate(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        mechanism: str,
        data: object,
    ) -> AuthResult:
        """True for the one user there is."""
        expected = LoginPassword(self.user.encode(), self.password.encode())
        return AuthResult(success=data == expected, handled=False)


def _abort(session: SMTP) -> None:
    transport = session.transport
    # CPython 3.11.2 fails at aborting a TLS connection that was closed.
    if isinstance(transport, asyncio.Transport) and not transport.is_closing():
        transport.abort()


def acceptance(number: int) -> str:
    """The reply to the final dot of the transaction of this place in `received`."""
    return f"250 2.0.0 OK: taken as {number}"


def _received(server: SMTP, envelope: Envelope) -> Received:
    return Received(
        sender=envelope.mail_from or "",
        recipients=tuple(envelope.rcpt_tos),
        raw=bytes(envelope.original_content or b""),
        sender_options=tuple(envelope.mail_options),
        recipient_options=tuple(envelope.rcpt_options),
        connection=id(server),  # the server keeps its sessions: no id comes again
    )


@contextmanager
def recording_smtp(
    certificates: Certificates | None = None, tls: Tls = "none", login: bool = False
) -> Iterator[RecordingSmtp]:
    """A recording SMTP server until the end of the block.

    With `tls` it speaks TLS from the start, or insists on STARTTLS; with `login` it
    takes mail only from its one user.
    """
    context = certificates.server_context() if certificates else None
    sink = RecordingSmtp()
    server = _Server(sink, context, tls, login)
    thread = threading.Thread(target=asyncio.run, args=(server.run(),), name="sink")
    thread.start()
    try:
        wait_until(lambda: sink.port != 0, "the SMTP sink")
        yield sink
    finally:
        server.stop()
        thread.join()


class _Server:
    """The event loop of a sink: it ends with every connection it has."""

    def __init__(
        self, sink: RecordingSmtp, context: ssl.SSLContext | None, tls: Tls, login: bool
    ) -> None:
        self._sink = sink
        self._implicit = context if tls == "tls" else None
        self._session = partial(
            SMTP,
            sink,
            data_size_limit=None,
            enable_SMTPUTF8=True,
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            auth_required=login,
            auth_require_tls=tls == "starttls",
            authenticator=sink.authenticate,
        )
        self._sessions: list[SMTP] = []
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Serve until `stop`."""
        self._loop = asyncio.get_running_loop()
        server = await self._loop.create_server(
            self._open, self._sink.host, 0, ssl=self._implicit
        )
        self._sink.port = server.sockets[0].getsockname()[1]
        await self._stopped.wait()
        server.close()
        for session in self._sessions:
            _abort(session)

    def stop(self) -> None:
        """End the server, from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    def _open(self) -> SMTP:
        session = self._session(loop=self._loop)
        self._sessions.append(session)
        return session
