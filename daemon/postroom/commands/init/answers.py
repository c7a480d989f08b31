"""What is answered, by options or by a person, and the draft it comes to.

A password is nowhere among them, but for the one that is typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from postroom.commands.init.providers import provider_of
from postroom.errors import ConfigError, Problem
from postroom.mail.addresses import is_address

SCHEMES = ("file", "credential", "command", "env")
NONE = "none"
_REFERENCE = (
    "expected credential:NAME, file:PATH, command:PROGRAM or env:NAME: where the "
    "password comes from, and never the password itself"
)


@dataclass(frozen=True)
class Answers:
    """What options have answered: servers are `HOST[:PORT]`, the password is a
    reference. With `yes` nothing is asked, and `connect` is the leave to log in."""

    address: str | None = None
    name: str | None = None
    imap: str | None = None
    smtp: str | None = None
    password: str | None = None
    watch: tuple[str, ...] = ()
    connect: bool = False
    yes: bool = False
    user: str | None = None


@dataclass(frozen=True)
class Draft:
    """What is to be written: one account. `typed` is a password for its file."""

    address: str
    imap: str
    smtp: str
    name: str = ""
    user: str = ""
    password: str = "credential:home"
    watch: tuple[str, ...] = ("INBOX",)
    typed: str | None = field(default=None, repr=False)
    plain: frozenset[str] = frozenset()  # the servers that are said to speak no TLS

    @property
    def scheme(self) -> str:
        """The kind of the password's source."""
        return self.password.partition(":")[0]


def split_server(server: str) -> tuple[str, str]:
    """The host, and the port or nothing; an address of IPv6 has more colons."""
    host, _, port = server.partition(":")
    return (host, port) if server.count(":") == 1 else (server, "")


def begin(address: str) -> Draft:
    """A draft of guesses."""
    provider = provider_of(address)
    return Draft(address, provider.imap, provider.smtp)


def complete(answers: Answers) -> Draft:
    """The draft by these answers, with guesses for the rest; raises `ConfigError`."""
    if problems := [*_find_problems(answers)]:
        raise ConfigError(problems)
    return amend(begin(answers.address or ""), answers)


def amend(draft: Draft, answers: Answers) -> Draft:
    """The draft with what is answered in the place of guesses."""
    given = {
        name: getattr(answers, name)
        for name in ("name", "imap", "smtp", "password", "watch", "user")
        if getattr(answers, name)
    }
    return replace(draft, **given)


def why_not_reference(reference: str) -> str:
    """Why this can't tell where a password comes from; empty if it can."""
    scheme, _, rest = reference.partition(":")
    return "" if scheme in SCHEMES and rest else _REFERENCE


def _find_problems(answers: Answers) -> Iterator[Problem]:
    if not answers.address:
        yield Problem("--address", "it is required where nobody can be asked")
    elif not is_address(answers.address):
        yield Problem("--address", 'expected an address such as "me@example.org"')
    if not answers.password:
        yield Problem("--password", "it is required where nobody can be asked")
    elif why := why_not_reference(answers.password):
        yield Problem("--password", why)
