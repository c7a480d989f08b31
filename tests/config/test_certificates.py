"""Files of certificates and keys, and pins: what can't be used is told at the start."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from postroom.config.settings import ImapServer, SmtpServer
from tests.config.test_settings import GOOD, complaints, load
from tests.servers.certificates import Certificates

DIGITS = "0123456789abcdef" * 4
WRITTEN = ":".join(["01", "23", "45", "67", "89", "AB", "CD", "EF"] * 4)


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret of the settings."""
    monkeypatch.setenv("HOME_PASSWORD", "hunter2hunter2")


@pytest.fixture
def files(tmp_path: Path) -> Certificates:
    """Files that fit."""
    return Certificates.issue(tmp_path / "certificates")


def with_keys(keys: str, server: str = "imap", settings: str = GOOD) -> str:
    """The settings, with these keys for a server."""
    host = f'"{server}.ours.example"'
    assert host in settings
    return settings.replace(host, f"{host}, {keys}")


# -- pins ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pin", [DIGITS, DIGITS.upper(), WRITTEN, f"sha256 Fingerprint={WRITTEN}\n"]
)
def test_a_pin_is_read_however_it_is_written(pin: str) -> None:
    server = ImapServer.model_validate({"host": "h", "pin": pin})
    assert server.pin == {WRITTEN}


def test_a_pin_is_what_openssl_prints(files: Certificates) -> None:
    command = "openssl x509 -noout -fingerprint -sha256 -in"
    printed = subprocess.run(
        [*command.split(), str(files.certificate)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    server = ImapServer.model_validate({"host": "h", "pin": printed})
    assert server.pin == {files.fingerprint}


def test_there_may_be_several_pins(tmp_path: Path) -> None:
    """For the time when a certificate is renewed."""
    settings = with_keys(f'pin = ["{DIGITS}", "{"ff" * 32}"]', "smtp")
    smtp = load(tmp_path, settings).settings.account["home"].smtp
    assert isinstance(smtp, SmtpServer)
    assert smtp.pin == {WRITTEN, ":".join(["FF"] * 32)}


@pytest.mark.parametrize(
    "pin",
    [
        '"AB:CD"',
        '""',
        f'"{DIGITS}00"',
        f'"{DIGITS[:-1]}g"',
        f'"{"ab" * 20}"',
        f'["{DIGITS}", "x"]',
        "12",
    ],
)
def test_what_is_no_pin_is_told_with_what_was_expected(
    tmp_path: Path, pin: str
) -> None:
    (told,) = complaints(tmp_path, with_keys(f"pin = {pin}"))
    assert told.startswith("postroom.toml: account.home.imap.pin: expected a SHA-256")
    assert '"openssl x509 -noout -fingerprint -sha256"' in told


def test_a_list_of_no_pins_is_refused(tmp_path: Path) -> None:
    (told,) = complaints(tmp_path, with_keys("pin = []"))
    assert "account.home.imap.pin: expected at least one" in told


def test_without_tls_there_is_nothing_to_pin_and_nothing_to_show(
    tmp_path: Path, files: Certificates
) -> None:
    local = GOOD.replace("imap.ours.example", "localhost")
    for keys in (f'pin = "{DIGITS}"', f'certificate = "{files.certificate}"'):
        settings = local.replace('"localhost"', f'"localhost", tls = "none", {keys}')
        (told,) = complaints(tmp_path, settings)
        assert "account.home.imap: without TLS" in told


# -- a certificate of ours -------------------------------------------------------------


@pytest.mark.parametrize("server", ["imap", "smtp"])
def test_a_certificate_and_its_key_are_taken(
    tmp_path: Path, files: Certificates, server: str
) -> None:
    keys = f'certificate = "{files.certificate}", key = "{files.key}"'
    account = load(tmp_path, with_keys(keys, server)).settings.account["home"]
    table = account.model_dump()[server]
    assert (table["certificate"], table["key"]) == (files.certificate, files.key)


def test_a_key_may_be_in_the_file_of_its_certificate(
    tmp_path: Path, files: Certificates
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())
    settings = with_keys(f'certificate = "{both}"')
    both.chmod(0o600)
    load(tmp_path, settings)
    both.chmod(0o640)
    (told,) = complaints(tmp_path, settings)
    expected = f"account.home.imap.certificate: others may read {both}: chmod 600 it"
    assert expected in told


def test_a_key_that_others_may_read_is_refused(
    tmp_path: Path, files: Certificates
) -> None:
    settings = with_keys(f'certificate = "{files.certificate}", key = "{files.key}"')
    files.key.chmod(0o604)
    (told,) = complaints(tmp_path, settings)
    assert f"account.home.imap.key: others may read {files.key}: chmod 600" in told


def test_files_that_do_not_fit_are_told_by_their_keys(
    tmp_path: Path, files: Certificates
) -> None:
    empty = tmp_path / "empty.key"
    empty.touch(0o600)
    locked = tmp_path / "locked.key"
    command = f"openssl pkey -aes128 -passout pass:word -in {files.key} -out {locked}"
    subprocess.run(command.split(), check=True, capture_output=True)
    locked.chmod(0o600)
    fits = f'certificate = "{files.certificate}"'
    given = {
        f'certificate = "{files.key}"': "certificate: {} has no certificate in it",
        'certificate = "/no/such.pem"': "certificate: /no/such.pem can't be read: No",
        f'{fits}, key = "/no/such"': "key: /no/such can't be read: No such file",
        f'{fits}, key = "{locked}"': "key: {} has no private key in it (PEM, not enc",
        f'{fits}, key = "{empty}"': "key: {} has no private key in it",
        fits: "certificate: others may read",
        f'key = "{files.key}"': "account.home.smtp: key is for a certificate",
        'certificate = "server.pem"': "certificate: expected a path from the root",
    }
    for keys, complaint in given.items():
        (told,) = complaints(tmp_path, with_keys(keys, "smtp"))
        named = keys.rpartition('= "')[2].removesuffix('"')
        assert complaint.format(named) in told


def test_a_password_is_not_needed_where_a_certificate_is_shown(
    tmp_path: Path, files: Certificates
) -> None:
    """By IMAP; SMTP wants one, or no login."""
    without = GOOD.replace("password =", "#")
    keys = f'certificate = "{files.certificate}", key = "{files.key}"'
    (told,) = complaints(tmp_path, with_keys(keys, "imap", without))
    assert "account.home.smtp.password: it is required, or auth = false" in told
    (told,) = complaints(tmp_path, with_keys(keys, "smtp", without))
    assert "account.home.password: it is required" in told
    relayed = with_keys(f"{keys}, auth = false", "smtp", without)
    load(tmp_path, with_keys(keys, "imap", relayed))
