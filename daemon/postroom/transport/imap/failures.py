"""What a refusal means: try again later, never, or with another secret."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.errors import (
    AuthenticationError,
    PermanentError,
    RefusedForNow,
    TemporaryError,
)
from postroom.transport.imap.exchange import Exchange, printable
from postroom.transport.imap.responses import Code

# RFC 5530, section 3.
_CREDENTIALS = {"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"}
_FOR_NOW = {
    "UNAVAILABLE",
    "INUSE",
    "LIMIT",
    "SERVERBUG",
    "OVERQUOTA",
    "CORRUPTION",
}
_FOR_GOOD = {
    "PRIVACYREQUIRED",
    "CONTACTADMIN",
    "NOPERM",
    "CLIENTBUG",
    "CANNOT",
    "ALREADYEXISTS",
    "NONEXISTENT",
    "TRYCREATE",
    "BADCHARSET",
    "NOTSAVED",
    "UIDNOTSTICKY",
}
# These only read: without a reason their refusal is the server's trouble, not ours.
_READING = {"UID FETCH", "UID SEARCH", "IDLE", "LIST", "NAMESPACE"}


class Refused(PermanentError):
    """The server answered NO for good; `codes` are those of its whole answer."""

    def __init__(self, message: str, codes: Sequence[Code]) -> None:
        self.codes = codes
        super().__init__(message)

    @property
    def reason(self) -> str:
        """The code that says why; empty if the server did not tell."""
        return self.codes[-1].name


class Deferred(RefusedForNow):
    """The server answered NO for now; `codes` are those of its whole answer."""

    def __init__(self, message: str, codes: Sequence[Code]) -> None:
        self.codes = codes
        super().__init__(message)


class Vanished(Deferred):
    """Some of the messages are no longer there; the same for the others may work."""


def failure(exchange: Exchange) -> TemporaryError | PermanentError | None:
    """The error that the answer to a command stands for; None if it was OK."""
    if exchange.result == "OK":
        return None
    message = f"{exchange.name} was refused: {printable(exchange.text) or 'no reason'}"
    if exchange.result == "BAD":
        return PermanentError(message)
    return _refusal(exchange.name, exchange.codes, message)


def _refusal(
    name: str, codes: Sequence[Code], message: str
) -> TemporaryError | PermanentError:
    reason = codes[-1].name
    if reason == "EXPUNGEISSUED":
        return Vanished(message, codes)
    if reason in _FOR_NOW:
        return Deferred(message, codes)
    if reason in _CREDENTIALS:
        return AuthenticationError(message)
    if reason in _FOR_GOOD:
        return Refused(message, codes)
    if name == "LOGIN":
        return AuthenticationError(message)
    return Deferred(message, codes) if name in _READING else Refused(message, codes)
