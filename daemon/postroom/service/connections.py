"""Accounts and relays as the settings describe them.

A client is loaded with the first account or relay that is reached by it: IMAP's, POP3's
and SMTP's take long to load, and who has no such server pays for none.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from postroom.config.configuration import Configuration
from postroom.config.maildrops import hides_retrieved
from postroom.config.settings import PopServer, Server, SmtpServer
from postroom.ports import (
    Account,
    AccountReport,
    Clock,
    Maildrops,
    Relay,
    SentMail,
)
from postroom.service.vault import Vault
from postroom.transport.maildir.maildir import Maildir
from postroom.transport.tls import Tls, Trust

if TYPE_CHECKING:
    from postroom.transport.imap.account import ImapAccount
    from postroom.transport.pop3.entrance import Entrance
    from postroom.transport.pop3.session import Custody
    from postroom.transport.smtp.relay import SmtpRelay


def reference_of(configuration: Configuration, account: str) -> str:
    """What names the password of the account's mail server, whichever that is; empty
    where a certificate is all."""
    table = configuration.settings.account[account]
    return table.server.password or table.password or ""


def identities(configuration: Configuration) -> dict[str, str]:
    """The login that each account is, whatever it is called: `user@host`."""
    tables = configuration.settings.account.items()
    return {name: table.login for name, table in tables}


def references(configuration: Configuration) -> Iterator[str]:
    """All that name secrets which connections need."""
    for name, table in configuration.settings.account.items():
        if reference := reference_of(configuration, name):
            yield reference
        if isinstance(table.smtp, SmtpServer) and table.smtp.auth:
            yield table.smtp.password or table.password or ""


def account_key(configuration: Configuration, name: str) -> object:
    """All that what looks after an account is made of; None without the account."""
    table = configuration.settings.account.get(name)
    if table is None:
        return None
    own = configuration.settings.postroom
    return table, configuration.owner(name), own.max_size, own.umask


def relay_keys(configuration: Configuration) -> dict[str, object]:
    """All that each relay is made of."""
    return {
        name: (table.smtp, table.address, table.password)
        for name, table in configuration.settings.account.items()
        if isinstance(table.smtp, SmtpServer)
    }


def make_account(
    configuration: Configuration,
    name: str,
    vault: Vault,
    memory: Maildrops,
    clock: Clock,
) -> Account:
    """Access to the mailboxes of the account."""
    if configuration.settings.account[name].pop3 is None:
        return _make_imap(configuration, name, vault)
    from postroom.transport.pop3.account import PopAccount

    entrance = _make_entrance(configuration, name, vault)
    return PopAccount(entrance, _custody(configuration, name, memory, clock))


def sought_relays(configuration: Configuration) -> frozenset[str]:
    """The relays of which what was submitted can be looked for: their account is
    reached by IMAP."""
    tables = configuration.settings.account
    relays = relay_keys(configuration)
    return frozenset(name for name in relays if tables[name].pop3 is None)


def make_sent(
    configuration: Configuration, relay: str, vault: Vault
) -> SentMail | None:
    """Where the server of this relay keeps what was submitted; None if that can't be
    looked into."""
    if relay not in sought_relays(configuration):
        return None
    return _make_imap(configuration, relay, vault)


async def probe(configuration: Configuration, name: str, vault: Vault) -> AccountReport:
    """What the account's mail server says of itself; raises what logging in does."""
    if configuration.settings.account[name].pop3 is None:
        return await _make_imap(configuration, name, vault).probe()
    return await _make_entrance(configuration, name, vault).probe()


def make_maildir(configuration: Configuration, name: str) -> Maildir | None:
    """The Maildir of a POP3 account; None where nothing is stored here."""
    settings = configuration.settings
    root = settings.maildir_of(name)
    return Maildir(root, settings.postroom.umask) if root else None


def _make_imap(configuration: Configuration, name: str, vault: Vault) -> ImapAccount:
    from postroom.transport.imap.account import ImapAccount
    from postroom.transport.imap.framing import Limits

    table = configuration.settings.account[name]
    server, reference = table.server, reference_of(configuration, name)
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


def _make_entrance(configuration: Configuration, name: str, vault: Vault) -> Entrance:
    from postroom.transport.pop3 import server as pop3
    from postroom.transport.pop3.entrance import Entrance
    from postroom.transport.pop3.login import Auth

    table = configuration.settings.account[name]
    server = table.server
    assert isinstance(server, PopServer)
    return Entrance(
        pop3.Server(server.host, server.reached_port, Tls(server.tls), _trust(server)),
        user=server.user or table.address,
        password=_reader(vault, reference_of(configuration, name)),
        auth=Auth(server.auth),
    )


def _custody(
    configuration: Configuration, name: str, memory: Maildrops, clock: Clock
) -> Custody:
    from postroom.transport.pop3.session import Custody

    table = configuration.settings.account[name]
    return Custody(
        account=name,
        maildir=make_maildir(configuration, name),
        keep=_keep(table.keep),
        memory=memory,
        now=clock.now,
        hides=hides_retrieved(table),
    )


def _keep(keep: bool | timedelta) -> timedelta | None:
    """How long mail stays on the server; None for ever."""
    if isinstance(keep, timedelta):
        return keep
    return None if keep else timedelta(0)


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
    from postroom.transport.smtp.relay import SmtpRelay
    from postroom.transport.smtp.session import SubmissionServer

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
