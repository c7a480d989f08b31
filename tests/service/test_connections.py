"""Accounts and relays come out as the settings describe them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from postroom.config.configuration import Configuration, load_configuration
from postroom.errors import TemporaryError
from postroom.ports import Relay
from postroom.service.connections import make_account, make_relays, references
from postroom.service.vault import Vault
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import Tls, recording_smtp

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.home]
address = "{address}"
password = "env:MAIL_WORD"
imap = {{ host = "127.0.0.1", {imap} }}
smtp = {{ host = "127.0.0.1", {smtp} }}
{more}
"""


def configure(
    folder: Path,
    *,
    address: str = "me@ours.example",
    imap: str = "port = 9",
    smtp: str = "port = 9",
    more: str = "",
) -> Configuration:
    """The configuration with these servers."""
    path = folder / "postroom.toml"
    text = SETTINGS.format(
        folder=folder, address=address, imap=imap, smtp=smtp, more=more
    )
    path.write_text(text)
    return load_configuration(path)


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch, dovecot: DovecotServer) -> None:
    """The secrets of the settings."""
    monkeypatch.setenv("MAIL_WORD", dovecot.password)
    monkeypatch.setenv("SMTP_WORD", "another word")


async def open_vault(configuration: Configuration) -> Vault:
    """A vault that has all that is needed."""
    vault = Vault(configuration.secrets)
    await vault.open(references(configuration))
    return vault


def test_only_the_secrets_that_are_needed_are_asked_for(tmp_path: Path) -> None:
    configuration = configure(
        tmp_path,
        smtp='port = 9, tls = "none", auth = false, password = "env:SMTP_WORD"',
        more='[account.b]\naddress = "b@ours.example"\n'
        'imap = { host = "h", password = "env:SMTP_WORD" }\n'
        'smtp = { account = "home" }\n',
    )
    assert list(references(configuration)) == ["env:MAIL_WORD", "env:SMTP_WORD"]
    assert list(make_relays(configuration, Vault(configuration.secrets))) == ["home"]


def test_a_server_may_have_a_password_of_its_own(tmp_path: Path) -> None:
    configuration = configure(tmp_path, smtp='password = "env:SMTP_WORD"')
    assert list(references(configuration)) == ["env:MAIL_WORD", "env:SMTP_WORD"]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_an_account_logs_in_over_tls(
    tmp_path: Path, dovecot: DovecotServer, certificates: Certificates, tls: str
) -> None:
    """As the address says, to the port of the settings, by its own authority."""
    port = dovecot.ports.imaps if tls == "implicit" else dovecot.ports.imap
    configuration = configure(
        tmp_path,
        address=dovecot.address(dovecot.new_user()),
        imap=f'port = {port}, tls = "{tls}", ca = "{certificates.authority}"',
    )

    async def run() -> None:
        vault = await open_vault(configuration)
        report = await make_account(configuration, "home", vault).probe()
        assert report.mailboxes == ("INBOX",)

    asyncio.run(run())


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    address = dovecot.address(dovecot.new_user())
    configuration = configure(
        tmp_path, address=address, imap=f"port = {dovecot.ports.imaps}"
    )

    async def run() -> None:
        vault = await open_vault(configuration)
        with pytest.raises(TemporaryError) as caught:
            await make_account(configuration, "home", vault).probe()
        assert "certificate" in str(caught.value).lower()
        assert isinstance(caught.value.__cause__, ssl.SSLError)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("speaks", "tls"), [("none", "none"), ("starttls", "starttls"), ("tls", "implicit")]
)
def test_a_relay_logs_in_as_the_settings_say(
    tmp_path: Path, certificates: Certificates, speaks: Tls, tls: str
) -> None:
    with recording_smtp(certificates, speaks, login=True) as smtp:
        smtp.password = "another word"
        configuration = configure(
            tmp_path,
            smtp=f'port = {smtp.port}, tls = "{tls}", ca = "{certificates.authority}", '
            'user = "postroom", password = "env:SMTP_WORD"',
        )
        assert "8BITMIME" in asyncio.run(probe(configuration))


async def probe(configuration: Configuration) -> frozenset[str]:
    """What the relay's server can do."""
    vault = await open_vault(configuration)
    relay: Relay = make_relays(configuration, vault)["home"]
    return await relay.probe()
