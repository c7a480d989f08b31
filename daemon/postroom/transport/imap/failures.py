"""What a refusal means: try again later, never, or with another secret."""

from __future__ import annotations

import re
from collections.abc import Sequence

from postroom.errors import (
    AuthenticationError,
    PermanentError,
    RefusedForNow,
    TemporaryError,
    TooManyConnections,
)
from postroom.transport.imap.exchange import SHOWN, Exchange, printable
from postroom.transport.imap.responses import Code, code_of

# RFC 5530, section 3. After the login these are about one command, not about who asks.
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
# What the code does not tell, or tells of other things as well. Searched for in what is
# shown only: a server may say megabytes, and such a search takes quadratic time.
_TOO_MANY = re.compile(
    rb"too many [a-z +/-]*(connections|sessions)"
    rb"|max(imum)? (number of |allowed )*[a-z -]*(connections|sessions)"
    rb"|(connection|session)s? (limit|count)[a-z ]* (exceeded|reached)",
    re.IGNORECASE,
)
# The store behind Microsoft's servers is away; some of them call it BAD.
_NOT_CONNECTED = re.compile(rb"authenticated but not connected", re.IGNORECASE)
_ENTERING = {"LOGIN", "AUTHENTICATE"}
_FETCHING = "UID FETCH"
# These only read: without a reason their refusal is the server's trouble, not ours.
_READING = {"UID SEARCH", "IDLE", "LIST", "NAMESPACE"}


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
    if exchange.name in _ENTERING and _is_full(exchange.codes[-1], exchange.text):
        return TooManyConnections(message)
    if _NOT_CONNECTED.search(exchange.text[:SHOWN]):
        return Deferred(message, exchange.codes)
    if exchange.name in _ENTERING:
        return _no_entry(exchange.codes, message)
    if exchange.result == "BAD" and exchange.name != _FETCHING:
        return PermanentError(message)
    return _refusal(exchange.name, exchange.codes, message)


def farewell(text: bytes, *, entered: bool) -> TemporaryError:
    """The error that BYE stands for, before the login or after it."""
    message = f"the server said BYE: {printable(text)}"
    if not entered and _is_full(code_of(text), text):
        return TooManyConnections(message)
    return TemporaryError(message)


def _is_full(code: Code, text: bytes) -> bool:
    return code.name in {"LIMIT", "INUSE"} or bool(_TOO_MANY.search(text[:SHOWN]))


def _no_entry(codes: Sequence[Code], message: str) -> TemporaryError | PermanentError:
    """In doubt it is the credentials, BAD included: wrong ones that are said again and
    again get the account locked."""
    reason = codes[-1].name
    if reason in _FOR_NOW:
        return Deferred(message, codes)
    if reason == "PRIVACYREQUIRED":  # RFC 5530, section 3: of the connection
        return Refused(message, codes)
    return AuthenticationError(message)


def _refusal(
    name: str, codes: Sequence[Code], message: str
) -> TemporaryError | PermanentError:
    reason = codes[-1].name
    if reason == "EXPUNGEISSUED":
        return Vanished(message, codes)
    # A message that can't be fetched is found by trying again, whatever was said.
    if reason in _FOR_NOW or name == _FETCHING:
        return Deferred(message, codes)
    if name in _READING and reason not in _FOR_GOOD | _CREDENTIALS:
        return Deferred(message, codes)
    return Refused(message, codes)
