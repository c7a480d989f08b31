"""How one proves to a server who one is: by password, or by a client certificate.

It is said over TLS or on loopback only, because no other connection is opened.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Collection
from dataclasses import dataclass, field

from postroom.errors import PermanentError
from postroom.transport.imap.framing import CRLF
from postroom.transport.imap.wire import segments, string


@dataclass(frozen=True)
class Proof:
    """The command that logs in; its octets hold the password and are not shown."""

    command: str
    segments: list[bytes] = field(repr=False)


def proof(capabilities: Collection[str], user: str, password: str | None) -> Proof:
    """What to say to a server that announces this; without a password the certificate
    of the connection is the proof. Raises `PermanentError` if the server takes none."""
    if password is None:
        if "AUTH=EXTERNAL" not in capabilities:
            raise PermanentError("it takes no certificate for a login (AUTH=EXTERNAL)")
        # RFC 4422, appendix A.1: who one is follows from the certificate.
        return _sasl(capabilities, b"EXTERNAL", b"")
    if "LOGINDISABLED" not in capabilities:
        said = [b"LOGIN", string(user), string(password)]
        return Proof("LOGIN", segments(said))
    if "AUTH=PLAIN" in capabilities:
        return _sasl(capabilities, b"PLAIN", _plain(user, password))
    raise PermanentError("passwords are refused there")


def _sasl(capabilities: Collection[str], mechanism: bytes, response: bytes) -> Proof:
    start = b"AUTHENTICATE " + mechanism
    encoded = b2a_base64(response, newline=False)
    if "SASL-IR" in capabilities:
        # RFC 4959, section 3: an empty response is written as "=".
        return Proof("AUTHENTICATE", [b"%s %s\r\n" % (start, encoded or b"=")])
    return Proof("AUTHENTICATE", [start + CRLF, encoded + CRLF])


def _plain(user: str, password: str) -> bytes:
    # RFC 4616, section 2: NUL separates the parts, so that none may hold one.
    if "\x00" in user + password:
        raise PermanentError("NUL can't be part of a user or password")
    return f"\x00{user}\x00{password}".encode("utf-8", "surrogateescape")
