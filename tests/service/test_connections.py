"""Accounts and relays come out as the settings describe them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from postroom.config.configuration import Configuration, load_configuration
from postroom.errors import TemporaryError
from postroom.ports import Relay
from postroom.service.connections import (
    account_key,
    identities,
    make_relays,
    probe,
    reference_of,
    references,
)
from postroom.service.vault import Vault
from postroom.transport.tls import Tls as Transport
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot, version
from tests.servers.programs import wait_until
from tests.servers.sink import Tls, recording_smtp
from tests.transport.secured import secured

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.home]
address = "{address}"
{password}
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
    password: str = 'password = "env:MAIL_WORD"',
) -> Configuration:
    """The configuration with these servers."""
    path = folder / "postroom.toml"
    text = SETTINGS.format(
        folder=folder,
        address=address,
        imap=imap,
        smtp=smtp,
        more=more,
        password=password,
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


POP3 = """
[account.isp]
address = "me@isp.example"
pop3 = { host = "POP.isp.example" }
password = "env:MAIL_WORD"

[account.bridge]
address = "me@isp.example"
pop3 = { host = "127.0.0.1", port = 1100, user = "me", password = "env:SMTP_WORD" }
"""


def test_the_password_of_an_account_is_that_of_its_mail_server(tmp_path: Path) -> None:
    configuration = configure(tmp_path, more=POP3, smtp="auth = false")
    told = {name: reference_of(configuration, name) for name in ("isp", "bridge")}
    assert told == {"isp": "env:MAIL_WORD", "bridge": "env:SMTP_WORD"}
    assert set(told.values()) == set(references(configuration))


def test_an_account_is_known_by_its_login_and_its_protocol(tmp_path: Path) -> None:
    assert identities(configure(tmp_path, more=POP3)) == {
        "home": "me@ours.example@127.0.0.1:9",
        "isp": "pop3:me@isp.example@pop.isp.example",
        "bridge": "pop3:me@127.0.0.1:1100",
    }


def test_an_account_is_made_anew_for_another_umask(tmp_path: Path) -> None:
    """Files are to have it from then on."""
    before = configure(tmp_path, more=POP3)
    path = tmp_path / "postroom.toml"
    text = path.read_text()
    path.write_text(text.replace("[postroom]", '[postroom]\numask = "027"'))
    assert account_key(before, "isp") != account_key(load_configuration(path), "isp")


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
        report = await probe(configuration, "home", vault)
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
            await probe(configuration, "home", vault)
        assert "certificate" in str(caught.value).lower()
        reason = caught.value.__cause__

        assert reason is not None
        assert isinstance(reason.__cause__, ssl.SSLError)

    asyncio.run(run())


def test_an_account_is_known_by_its_certificate_alone(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not version().startswith("2.3"):
        pytest.skip("how Dovecot 2.4 asks for certificates is not written down here")
    monkeypatch.delenv("MAIL_WORD")
    with running_dovecot(certificates, client_certificates=True) as server:
        user = server.new_user()
        certificate, key = certificates.client(user)
        configuration = configure(
            tmp_path,
            address=server.address(user),
            imap=f'port = {server.ports.imaps}, ca = "{certificates.authority}", '
            f'certificate = "{certificate}", key = "{key}"',
            smtp="auth = false",
            password="",
        )
        assert list(references(configuration)) == []

        async def run() -> None:
            vault = await open_vault(configuration)
            report = await probe(configuration, "home", vault)
            assert report.mailboxes == ("INBOX",)

        asyncio.run(run())
        login = f"Login: user=<{user}>, method=EXTERNAL"
        wait_until(lambda: login in server.log(), f"{login} in Dovecot's log")


def test_pins_of_the_settings_are_asked_for(
    tmp_path: Path, dovecot: DovecotServer, certificates: Certificates
) -> None:
    with recording_smtp(certificates, "tls") as smtp:
        keys = f'ca = "{certificates.authority}", pin = "{"ab" * 32}"'
        configuration = configure(
            tmp_path,
            imap=f"port = {dovecot.ports.imaps}, {keys}",
            smtp=f"port = {smtp.port}, auth = false, {keys}",
        )

        async def run() -> None:
            vault = await open_vault(configuration)
            with pytest.raises(TemporaryError, match="AB:AB"):
                await probe(configuration, "home", vault)
            with pytest.raises(TemporaryError, match="not the pinned AB:AB"):
                await make_relays(configuration, vault)["home"].probe()

        asyncio.run(run())


def test_a_relay_is_shown_the_certificate_of_the_settings(
    tmp_path: Path, certificates: Certificates
) -> None:
    certificate, key = certificates.client("carl")

    async def run() -> None:
        context = certificates.server_context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.authority)
        async with secured("smtp", Transport.IMPLICIT, context) as server:
            configuration = configure(
                tmp_path,
                smtp=f'port = {server.port}, ca = "{certificates.authority}", '
                f'certificate = "{certificate}", key = "{key}", auth = false',
            )
            vault = await open_vault(configuration)
            await make_relays(configuration, vault)["home"].probe()
        shown = ssl.PEM_cert_to_DER_cert(certificate.read_text())
        assert set(server.shown) == {shown}

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
        assert "8BITMIME" in asyncio.run(probe_relay(configuration))


async def probe_relay(configuration: Configuration) -> frozenset[str]:
    """What the relay's server can do."""
    vault = await open_vault(configuration)
    relay: Relay = make_relays(configuration, vault)["home"]
    return await relay.probe()
