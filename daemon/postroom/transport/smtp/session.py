"""A session with a submission server: connected, in TLS as demanded, logged in.

TLS is there from the first octet or by a STARTTLS that the server must offer; a session
never goes on in clear text because something failed. One password is tried once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, cast

import aiosmtplib

from postroom.errors import AuthenticationError, TemporaryError
from postroom.log import redact
from postroom.transport.smtp.wire import Wire
from postroom.transport.tls import Tls, Trust, tell_failure

# PLAIN first: the others protect nothing that TLS does not.
_MECHANISMS = ("plain", "login", "cram-md5")
_MECHANISM_NOT_SUPPORTED = 504
_SIZE = re.compile("[0-9]{1,20}")  # RFC 1870, section 4


@dataclass(frozen=True)
class Timings:
    """How many seconds each step may take."""

    connect: float = 30
    command: float = 60
    block: float = 180  # RFC 5321, section 4.5.3.2.5: three minutes for a piece
    # RFC 5321, section 4.5.3.2.6: ten minutes for the reply to the final dot. With
    # less, a slow server's "250" is missed and the message is sent twice.
    final_dot: float = 600
    quit: float = 5


@dataclass(frozen=True)
class SubmissionServer:
    """Where to connect and how to log in; without a password nobody logs in.

    The password and the files of `trust` are looked at for each session, so that what
    has changed is picked up.
    """

    host: str
    port: int
    tls: Tls
    trust: Trust
    local_hostname: str
    user: str = ""
    password: Callable[[], str] | None = field(default=None, repr=False)
    timings: Timings = Timings()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Session:
    """A conversation with a server that is ready for MAIL, and what that server offers.

    `extensions` maps each keyword of its EHLO reply, in lower case, to its parameters;
    `user` is who is logged in, empty if nobody is.
    """

    wire: Wire
    extensions: Mapping[str, str]
    user: str

    def offers(self, extension: str) -> bool:
        """True if the server offers this extension, named in lower case."""
        return extension in self.extensions

    @property
    def largest_message(self) -> int | None:
        """The most octets the server takes (RFC 1870); None where it sets no limit."""
        size = self.extensions.get("size", "")
        return int(size) or None if _SIZE.fullmatch(size) else None


async def open_session(server: SubmissionServer) -> Session:
    """Connect, secure and log in; raises `TemporaryError` or `AuthenticationError`."""
    client = _client(server)
    try:
        await client.connect(timeout=server.timings.connect)
        await client.ehlo()
        if server.password is not None:
            await _log_in(client, server.user, await asyncio.to_thread(server.password))
    # A UnicodeError is what resolving a name like "a..b" raises.
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
        client.close()
        raise TemporaryError(f"{server}: {redact(tell_failure(error))}") from error
    except BaseException:
        client.close()
        raise
    return _take_over(client, server.user if server.password else "")


def _client(server: SubmissionServer) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=server.local_hostname,
        timeout=server.timings.command,
        use_tls=server.tls is Tls.IMPLICIT,
        # True: refused where it is not offered. The default would go on in clear text.
        start_tls=server.tls is Tls.STARTTLS,
        tls_context=None if server.tls is Tls.NONE else server.trust.context(),
    )


def _take_over(client: aiosmtplib.SMTP, user: str) -> Session:
    """Speak on without the client: it can't tell *unknown* from *not sent*."""
    extensions = dict(client.esmtp_extensions)
    if client.transport is None:
        raise TemporaryError("the server closed the connection after the login")
    wire = Wire(cast(asyncio.Transport, client.transport))
    return Session(wire, extensions, user)


async def _log_in(client: aiosmtplib.SMTP, user: str, password: str) -> None:
    """Try the password once: only a server that does not know a mechanism after all is
    asked with the next one. Several tries a login would hasten a lock-out."""
    ways = {
        "plain": client.auth_plain,
        "login": client.auth_login,
        "cram-md5": client.auth_crammd5,
    }
    for mechanism in _MECHANISMS:
        if mechanism not in client.server_auth_methods:
            continue
        try:
            await ways[mechanism](user, password)
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code != _MECHANISM_NOT_SUPPORTED:
                _refuse(error)
        else:
            return
    raise AuthenticationError("the server offers no way to log in with a password")


def _refuse(error: aiosmtplib.SMTPAuthenticationError) -> NoReturn:
    words = redact(f"the login was answered {error.code} {error.message}")
    if 500 <= error.code <= 599:
        raise AuthenticationError(words) from error
    raise TemporaryError(words) from error
