"""How one proves to a server who one is: by SASL, USER and PASS, or APOP.

It is said over TLS or on loopback only, because no other connection is opened. One
password is tried once, in one way: several tries a login would hasten a lock-out.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from postroom.errors import PermanentError
from postroom.transport.pop3.capabilities import Capabilities
from postroom.transport.pop3.dialogue import Dialogue
from postroom.transport.pop3.failures import login_failure
from postroom.transport.pop3.framing import CRLF
from postroom.transport.pop3.statuses import Status

# RFC 2449, section 4: the octets of a command, its end included.
_LONGEST_COMMAND = 255

# A msg-id of RFC 822. Others may be made to find out the password (CVE-2007-1558).
_ATOMS = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+"
_TIMESTAMP = re.compile(rb"<%s@(?:%s|\[[0-9A-Za-z.:]+\])>" % (_ATOMS, _ATOMS))


class Auth(StrEnum):
    """How a password is shown to the server."""

    PASSWORD = "password"
    APOP = "apop"


class Mechanism(Protocol):
    """A mechanism of SASL (RFC 4422), as a client."""

    @property
    def name(self) -> bytes:
        """Its name, as in `AUTH name`."""

    def initial(self) -> bytes:
        """What is said first, without being asked."""

    def respond(self, challenge: bytes) -> bytes | None:
        """What is said when the server asks this; None to give up."""


@dataclass(frozen=True)
class Plain:
    """The mechanism PLAIN (RFC 4616): the password as it is."""

    user: str
    password: str = field(repr=False)
    name: bytes = b"PLAIN"

    def initial(self) -> bytes:
        """All there is to say."""
        return b"\0%s\0%s" % (_octets(self.user), _octets(self.password))

    def respond(self, challenge: bytes) -> bytes | None:
        """The same to a server that did not listen; PLAIN has no other answer."""
        return None if challenge else self.initial()


@dataclass(frozen=True)
class Credentials:
    """Who one is, and the password that shows it; neither can end a command."""

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        for each in (self.user, self.password):
            if re.search(r"[\r\n\0]", each):
                raise PermanentError("CR, LF and NUL can't be in a user or a password")


async def log_in(
    dialogue: Dialogue, capabilities: Capabilities, credentials: Credentials
) -> None:
    """Show the password in the way that the server takes it; raises what its refusal
    means."""
    if "PLAIN" in capabilities.sasl:
        mechanism = Plain(credentials.user, credentials.password)
        return await authenticate(dialogue, mechanism)
    if capabilities.sasl and not capabilities.user:
        raise PermanentError("the server takes no password")
    await _enter(dialogue, b"USER " + _octets(credentials.user))
    await _enter(dialogue, b"PASS " + _octets(credentials.password))


async def authenticate(dialogue: Dialogue, mechanism: Mechanism) -> None:
    """Log in by a mechanism of SASL; raises what a refusal means."""
    initial = b2a_base64(mechanism.initial(), newline=False)
    # RFC 5034, section 4: an empty response is written as "=".
    command = b"AUTH %s %s" % (mechanism.name, initial or b"=")
    owed: list[bytes] = []
    if len(command + CRLF) > _LONGEST_COMMAND:
        command, owed = b"AUTH " + mechanism.name, [initial]

    def respond(challenge: bytes) -> bytes:
        if owed:
            return owed.pop()
        response = mechanism.respond(challenge)
        return b"*" if response is None else b2a_base64(response, newline=False)

    _require(await dialogue.converse(command, respond))


async def log_in_by_digest(
    dialogue: Dialogue, greeting: bytes, credentials: Credentials
) -> None:
    """Show that one knows the password without saying it (RFC 1939, section 7)."""
    timestamp = _TIMESTAMP.search(greeting)
    if timestamp is None:
        raise PermanentError("the server greets without a timestamp, which APOP needs")
    if " " in credentials.user:
        raise PermanentError("a blank can't be in the user of APOP")
    secret = timestamp[0] + _octets(credentials.password)
    digest = hashlib.md5(secret, usedforsecurity=False).hexdigest()
    user = _octets(credentials.user)
    await _enter(dialogue, b"APOP %s %s" % (user, digest.encode()))


async def _enter(dialogue: Dialogue, command: bytes) -> None:
    _require(await dialogue.ask(command, dialogue.timings.login))


def _require(status: Status) -> None:
    if not status.ok:
        raise login_failure(status)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
