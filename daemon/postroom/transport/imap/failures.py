"""What a refusal means: try again later, never, or with another secret."""

from __future__ import annotations

from postroom.errors import AuthenticationError, PermanentError, TemporaryError
from postroom.transport.imap.exchange import Exchange, printable
from postroom.transport.imap.responses import Code, code_of

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
    """The server answered NO for good; `code` says why, if it told."""

    def __init__(self, message: str, code: Code) -> None:
        self.code = code
        super().__init__(message)


class Vanished(TemporaryError):
    """Some of the messages are no longer there; the same for the others may work."""


def failure(exchange: Exchange) -> TemporaryError | PermanentError | None:
    """The error that the answer to a command stands for; None if it was OK."""
    if exchange.result == "OK":
        return None
    code = code_of(exchange.text)
    message = f"{exchange.name} was refused: {printable(exchange.text) or 'no reason'}"
    if exchange.result == "BAD":
        return PermanentError(message)
    return _refusal(exchange.name, code, message)


def _refusal(name: str, code: Code, message: str) -> TemporaryError | PermanentError:
    if code.name == "EXPUNGEISSUED":
        return Vanished(message)
    if code.name in _FOR_NOW:
        return TemporaryError(message)
    if code.name in _CREDENTIALS:
        return AuthenticationError(message)
    if code.name in _FOR_GOOD:
        return Refused(message, code)
    if name == "LOGIN":
        return AuthenticationError(message)
    return TemporaryError(message) if name in _READING else Refused(message, code)
