"""Where one thing the user wrote does not fit another: accounts, plugins, rules, files.

What is found here would else be found by the daemon, long after it was started.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from postroom.config.problems import nearest
from postroom.config.secrets import SecretError, require_private
from postroom.config.settings import (
    AccountTable,
    Server,
    Settings,
    SharedSmtp,
    SmtpServer,
)
from postroom.errors import Problem
from postroom.rules.rule import Rule

# How PEM begins; keys have older forms, too, which OpenSSL still writes.
_MARKS = {
    "certificate": [b"-----BEGIN CERTIFICATE-----"],
    "private key": [
        b"-----BEGIN PRIVATE KEY-----",
        b"-----BEGIN EC PRIVATE KEY-----",
        b"-----BEGIN RSA PRIVATE KEY-----",
    ],
}


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


def find_doubled_watches(settings: Settings, file: str) -> Iterator[Problem]:
    """Mailboxes that two accounts watch by the same login: all would be done twice."""
    watched: dict[tuple[str, str], str] = {}
    for name, account in settings.account.items():
        for mailbox in account.watch:
            first = watched.setdefault((account.login, mailbox), name)
            if first != name:
                done = "fetches" if account.pop3 else "watches"
                message = f"account {first!r} {done} {mailbox} by the same login"
                key = "pop3" if account.pop3 else "watch"
                yield Problem(file, message, key=f"account.{name}.{key}")


def find_lacking_passwords(settings: Settings, file: str) -> Iterator[Problem]:
    """Servers that want a login, and have no password, nor has their account.

    An IMAP server to which a certificate is shown may know us by that.
    """
    for name, account in settings.account.items():
        smtp = account.smtp
        if account.password:
            continue
        has_certificate = account.imap and account.imap.certificate
        if not (account.server.password or has_certificate):
            yield Problem(file, "it is required", key=f"account.{name}.password")
        elif isinstance(smtp, SmtpServer) and smtp.auth and not smtp.password:
            message = "it is required, or auth = false where there is no login"
            yield Problem(file, message, key=f"account.{name}.smtp.password")


def find_unfit_certificates(settings: Settings, file: str) -> Iterator[Problem]:
    """Files of certificates and keys that can't be read, or have none in them."""
    for name, account in settings.account.items():
        for place, server in _servers(account):
            for key, complaint in _complain_of_files(server).items():
                yield Problem(file, complaint, key=f"account.{name}.{place}.{key}")


def _servers(account: AccountTable) -> Iterator[tuple[str, Server]]:
    yield account.kind, account.server
    if isinstance(account.smtp, SmtpServer):
        yield "smtp", account.smtp


def _complain_of_files(server: Server) -> dict[str, str]:
    """What is wrong with the files of a server, by the key of the table."""
    complaints = {}
    if server.ca:
        complaints["ca"] = _complain_of_content(server.ca, "certificate")
    if server.certificate:
        content = _complain_of_content(server.certificate, "certificate")
        complaints["certificate"] = content
    if key := server.key or server.certificate:
        name = "key" if server.key else "certificate"
        complaints[name] = complaints.get(name) or _complain_of_key(key)
    return {name: complaint for name, complaint in complaints.items() if complaint}


def _complain_of_key(path: Path) -> str:
    try:
        require_private(path)
    except SecretError as error:
        return str(error)
    return _complain_of_content(path, "private key")


def _complain_of_content(path: Path, expected: str) -> str:
    try:
        octets = path.read_bytes()
    except OSError as error:
        return f"{path} can't be read: {error.strerror}"
    if any(mark in octets for mark in _MARKS[expected]):
        return ""
    return f"{path} has no {expected} in it (PEM, not encrypted)"


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
    """Mailboxes that a rule is for, and that none of its accounts watches.

    What runs by a schedule need not be watched.
    """
    for rule in rules:
        if rule.on:
            continue
        accounts = _accounts_of(rule, settings)
        if not accounts:
            continue
        watched = {mailbox for _, account in accounts for mailbox in account.watch}
        for mailbox in rule.mailboxes:
            if mailbox not in watched:
                message = nearest(mailbox, watched, "watched mailbox")
                yield Problem(rule.file, message, rule.name, "mailboxes")


def find_unplaced_schedules(rules: Iterable[Rule]) -> Iterator[Problem]:
    """Rules that run by a schedule, and do not say on which mailboxes."""
    for rule in rules:
        if rule.on and not rule.mailboxes:
            message = "it is required with a schedule: the mailboxes that are gone over"
            yield Problem(rule.file, message, rule.name, "mailboxes")


def find_ambiguous_names(
    settings: Settings, rules: Iterable[Rule]
) -> Iterator[Problem]:
    """Rules with the name of an account: commands that take either can't tell them."""
    for rule in rules:
        if rule.name in settings.account:
            message = "the name is taken by an account"
            yield Problem(rule.file, message, rule.name, "name")


def _accounts_of(rule: Rule, settings: Settings) -> list[tuple[str, AccountTable]]:
    return [
        (name, account)
        for name, account in settings.account.items()
        if not rule.accounts or name in rule.accounts
    ]
