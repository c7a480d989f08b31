"""Where one thing the user wrote does not fit another: accounts, plugins, rules, files.

What is found here would else be found by the daemon, long after it was started.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from postroom.config.problems import nearest
from postroom.config.settings import (
    AccountTable,
    Server,
    Settings,
    SharedSmtp,
    SmtpServer,
)
from postroom.errors import Problem
from postroom.rules.rule import Rule

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


def find_wrong_references(
    settings: Settings, plugins: Collection[str], file: str
) -> Iterator[Problem]:
    """Accounts and plugins that are named and are not there."""
    for name, account in settings.account.items():
        if isinstance(account.smtp, SharedSmtp):
            key = f"account.{name}.smtp.account"
            yield from _find_wrong_sharing(settings, account.smtp.account, file, key)
    for name in settings.plugin:
        if name not in plugins:
            message = nearest(name, plugins, "plugin")
            yield Problem(file, message, key=f"plugin.{name}")


def _find_wrong_sharing(
    settings: Settings, shared: str, file: str, key: str
) -> Iterator[Problem]:
    if shared not in settings.account:
        yield Problem(file, nearest(shared, settings.account, "account"), key=key)
    elif not isinstance(settings.account[shared].smtp, SmtpServer):
        yield Problem(file, f"account {shared!r} has no smtp of its own", key=key)


def find_lacking_passwords(settings: Settings, file: str) -> Iterator[Problem]:
    """Servers that want a login, and have no password, nor has their account."""
    for name, account in settings.account.items():
        smtp = account.smtp
        if account.password:
            continue
        if not account.imap.password:
            yield Problem(file, "it is required", key=f"account.{name}.password")
        elif isinstance(smtp, SmtpServer) and smtp.auth and not smtp.password:
            message = "it is required, or auth = false where there is no login"
            yield Problem(file, message, key=f"account.{name}.smtp.password")


def find_unfit_authorities(settings: Settings, file: str) -> Iterator[Problem]:
    """Files of certificates that can't be read, or have none in them."""
    for name, account in settings.account.items():
        for place, server in _servers(account):
            complaint = _complain_of_authority(server.ca) if server.ca else ""
            if complaint:
                yield Problem(file, complaint, key=f"account.{name}.{place}.ca")


def _servers(account: AccountTable) -> Iterator[tuple[str, Server]]:
    yield "imap", account.imap
    if isinstance(account.smtp, SmtpServer):
        yield "smtp", account.smtp


def _complain_of_authority(path: Path) -> str:
    try:
        octets = path.read_bytes()
    except OSError as error:
        return f"{path} can't be read: {error.strerror}"
    return "" if _CERTIFICATE in octets else f"{path} has no certificate in it (PEM)"


def find_relayless(settings: Settings, rules: Iterable[Rule]) -> Iterator[Problem]:
    """Rules that send, on accounts that can't."""
    for rule in rules:
        if rule.enabled and any(named.action.sends for named in rule.then):
            for name, account in _accounts_of(rule, settings):
                if account.smtp is None:
                    message = f"account {name!r} has no smtp to send through"
                    yield Problem(rule.file, message, rule.name, "then")


def find_unknown_accounts(
    settings: Settings, rules: Iterable[Rule]
) -> Iterator[Problem]:
    """Accounts that a rule is for, and that are not there."""
    for rule in rules:
        for account in rule.accounts:
            if account not in settings.account:
                message = nearest(account, settings.account, "account")
                yield Problem(rule.file, message, rule.name, "accounts")


def find_unwatched(settings: Settings, rules: Iterable[Rule]) -> Iterator[Problem]:
    """Mailboxes that a rule is for, and that none of its accounts watches."""
    for rule in rules:
        accounts = _accounts_of(rule, settings)
        if not accounts:
            continue
        watched = {mailbox for _, account in accounts for mailbox in account.watch}
        for mailbox in rule.mailboxes:
            if mailbox not in watched:
                message = nearest(mailbox, watched, "watched mailbox")
                yield Problem(rule.file, message, rule.name, "mailboxes")


def _accounts_of(rule: Rule, settings: Settings) -> list[tuple[str, AccountTable]]:
    return [
        (name, account)
        for name, account in settings.account.items()
        if not rule.accounts or name in rule.accounts
    ]
