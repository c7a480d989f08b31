"""Accounts and relays as the settings describe them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

from postroom.config.configuration import Configuration
from postroom.config.settings import AccountTable, Server, SmtpServer, is_loopback
from postroom.ports import Account, Relay
from postroom.service.vault import Vault
from postroom.transport.imap.account import ImapAccount
from postroom.transport.imap.framing import Limits
from postroom.transport.smtp.relay import SmtpRelay
from postroom.transport.smtp.session import SubmissionServer
from postroom.transport.tls import Tls, Trust


def imap_reference(configuration: Configuration, account: str) -> str:
    """What names the IMAP password of the account; empty where a certificate is all."""
    table = configuration.settings.account[account]
    return table.imap.password or table.password or ""


def identities(configuration: Configuration) -> dict[str, str]:
    """The login that each account is, whatever it is called: `user@host`."""
    tables = configuration.settings.account.items()
    return {name: _identity(table) for name, table in tables}


def _identity(table: AccountTable) -> str:
    host = table.imap.host.lower()
    # On this machine a port is a server of its own, such as a bridge to a provider.
    place = f"{host}:{table.imap.reached_port}" if is_loopback(host) else host
    return f"{table.imap.user or table.address}@{place}"


def references(configuration: Configuration) -> Iterator[str]:
    """All that name secrets which connections need."""
    for name, table in configuration.settings.account.items():
        if reference := imap_reference(configuration, name):
            yield reference
        if isinstance(table.smtp, SmtpServer) and table.smtp.auth:
            yield table.smtp.password or table.password or ""


def account_key(configuration: Configuration, name: str) -> object:
    """All that what looks after an account is made of; None without the account."""
    table = configuration.settings.account.get(name)
    if table is None:
        return None
    max_size = configuration.settings.postroom.max_size
    return table, configuration.owner(name), max_size


def relay_keys(configuration: Configuration) -> dict[str, object]:
    """All that each relay is made of."""
    return {
        name: (table.smtp, table.address, table.password)
        for name, table in configuration.settings.account.items()
        if isinstance(table.smtp, SmtpServer)
    }


def make_account(configuration: Configuration, name: str, vault: Vault) -> Account:
    """Access to the mailboxes of the account."""
    table = configuration.settings.account[name]
    server, reference = table.imap, imap_reference(configuration, name)
    return ImapAccount(
        name=name,
        host=server.host,
        port=server.reached_port,
        user=server.user or table.address,
        password=_reader(vault, reference) if reference else None,
        tls=Tls(server.tls),
        trust=_trust(server),
        watched=table.watch,
        limits=Limits.for_messages(configuration.settings.postroom.max_size),
    )


def make_relays(configuration: Configuration, vault: Vault) -> dict[str, Relay]:
    """The submission servers, by the name of the account that has them."""
    return {
        name: _make_relay(table.smtp, table.address, table.password or "", vault)
        for name, table in configuration.settings.account.items()
        if isinstance(table.smtp, SmtpServer)
    }


def _make_relay(
    server: SmtpServer, address: str, password: str, vault: Vault
) -> SmtpRelay:
    reference = server.password or password
    return SmtpRelay(
        SubmissionServer(
            host=server.host,
            port=server.reached_port,
            tls=Tls(server.tls),
            trust=_trust(server),
            # RFC 5321, section 4.1.4: a literal where the host has no full name.
            local_hostname=_host_name(),
            user=server.user or address,
            password=_reader(vault, reference) if server.auth else None,
        )
    )


def _trust(server: Server) -> Trust:
    return Trust(server.ca, server.pin, server.certificate, server.key)


def _reader(vault: Vault, reference: str) -> Callable[[], str]:
    return lambda: vault.get(reference)


def _host_name() -> str:
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"
