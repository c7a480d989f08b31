"""What a refusal means: try again later, never, or with another secret."""

from __future__ import annotations

import re

from postroom.errors import (
    AuthenticationError,
    PermanentError,
    RefusedForNow,
    TemporaryError,
)
from postroom.transport.pop3.statuses import Status

# RFC 2449, section 8.1, and RFC 3206, section 4. What follows them in a code is detail.
_FOR_NOW = {"IN-USE", "LOGIN-DELAY", "SYS"}
_FOR_GOOD = ("SYS", "PERM")
_CREDENTIALS = "AUTH"

# What servers without such codes say of a maildrop that can't be opened now.
_READS_LIKE_LATER = re.compile(
    r"\block(s|ed|ing)?\b|\bbusy\b|\bin use\b|\balready\b|\bother session\b"
    r"|\banother (pop|session|client|connection|user|process)"
    r"|\blater\b|\btemporar|\bunavailable\b|\boverload|\bmaintenance\b"
    r"|\btoo (many|frequent|often|soon|fast)|\btimed? ?out\b|\binternal error\b",
    re.IGNORECASE,
)
# An account that is locked because of wrong passwords stays so if they are said again.
_READS_LIKE_CREDENTIALS = re.compile(
    r"\b(account|user)\b[^.]{0,30}\b(locked|disabled|suspended|blocked)\b"
    r"|\b(locked|blocked) out\b|\bfailed (login|logins|attempts|authentications)\b"
    r"|\b(invalid|incorrect|wrong|bad|unknown)\b[^.]{0,30}"
    r"\b(password|passphrase|credentials|login|user|username|account)\b",
    re.IGNORECASE,
)


def login_failure(status: Status) -> TemporaryError | PermanentError:
    """The error that a refused login stands for.

    In doubt it is the credentials: wrong ones that are said again and again get the
    account locked.
    """
    refused = AuthenticationError(f"the login was refused: {status.text}")
    later = f"the maildrop can't be entered now: {status.text}"
    if status.code:
        return _coded(status.code, later) or refused
    if _READS_LIKE_CREDENTIALS.search(status.text):
        return refused
    return RefusedForNow(later) if _READS_LIKE_LATER.search(status.text) else refused


def failure(command: str, status: Status) -> TemporaryError | PermanentError:
    """The error that a refused command stands for, once one is logged in: who asks is
    in order then, and without a reason it is the server's trouble."""
    message = f"{command} was refused: {status.text}"
    if status.code == _FOR_GOOD:
        return PermanentError(message)
    return RefusedForNow(message)


def is_trouble(status: Status) -> bool:
    """True if the server says by a code that something is wrong, whatever is asked."""
    return bool(set(status.code[:1]) & _FOR_NOW)


def _coded(
    code: tuple[str, ...], message: str
) -> TemporaryError | PermanentError | None:
    if code[:2] == _FOR_GOOD:
        return PermanentError(message)
    if code[0] in _FOR_NOW:
        return RefusedForNow(message)
    return None
