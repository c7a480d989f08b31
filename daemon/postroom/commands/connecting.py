"""Asking servers what they can do: all at once, each with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from postroom.config.configuration import Configuration
from postroom.config.settings import ImapServer, PopServer, SmtpServer
from postroom.errors import ConfigError, PostroomError, TemporaryError
from postroom.ports import AccountReport
from postroom.service.connections import (
    make_relays,
    probe,
    reference_of,
)
from postroom.service.vault import Vault

_DEADLINE = 60.0

_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """What one server said: one for mail that comes a report, SMTP its extensions; or
    an error."""

    account: str
    kind: Literal["imap", "pop3", "smtp"]
    where: str
    report: AccountReport | None = None
    extensions: frozenset[str] = field(default_factory=frozenset)
    error: str = ""


async def ask_servers(
    configuration: Configuration, deadline: float = _DEADLINE
) -> Sequence[Answer]:
    """The answer of every server of every account."""
    tables = configuration.settings.account
    asked = [_ask_account(configuration, name, deadline) for name in tables]
    asked += [
        _ask_smtp(configuration, name, deadline)
        for name, table in tables.items()
        if isinstance(table.smtp, SmtpServer)
    ]
    return await asyncio.gather(*asked)


async def _ask_account(
    configuration: Configuration, name: str, deadline: float
) -> Answer:
    table = configuration.settings.account[name]
    where = _place(table.server)
    try:
        vault = await _unlock(configuration, reference_of(configuration, name))
        report = await _in_time(probe(configuration, name, vault), deadline)
    except PostroomError as error:
        return Answer(name, table.kind, where, error=_tell(error))
    return Answer(name, table.kind, where, report)


async def _ask_smtp(configuration: Configuration, name: str, deadline: float) -> Answer:
    table = configuration.settings.account[name]
    assert isinstance(table.smtp, SmtpServer)
    where = _place(table.smtp)
    try:
        reference = table.smtp.password or table.password or ""
        vault = await _unlock(configuration, reference if table.smtp.auth else "")
        relay = make_relays(configuration, vault)[name]
        extensions = await _in_time(relay.probe(), deadline)
    except PostroomError as error:
        return Answer(name, "smtp", where, error=_tell(error))
    return Answer(name, "smtp", where, extensions=extensions)


async def _unlock(configuration: Configuration, reference: str) -> Vault:
    vault = Vault(configuration.secrets)
    await vault.open({reference} if reference else ())
    return vault


async def _in_time(answer: Awaitable[_T], deadline: float) -> _T:
    try:
        async with asyncio.timeout(deadline):
            return await answer
    except TimeoutError as error:
        raise TemporaryError(f"no answer within {deadline:.0f} s") from error


def _tell(error: PostroomError) -> str:
    if isinstance(error, ConfigError):
        return "; ".join(problem.message for problem in error.problems)
    return str(error)


def _place(server: ImapServer | PopServer | SmtpServer) -> str:
    return f"{server.host}:{server.reached_port}"
