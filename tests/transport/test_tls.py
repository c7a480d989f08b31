"""TLS is verified, and no password goes over a network in the clear."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import subprocess
import weakref
from asyncio import sslproto
from pathlib import Path

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.transport.tls import Tls, Trust, require_protection, tell_failure
from tests.servers.certificates import Certificates


def test_a_context_verifies_and_is_modern() -> None:
    context = Trust().context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_all_connections_share_the_context_of_their_files(tmp_path: Path) -> None:
    authority = Certificates.issue(tmp_path).authority
    assert Trust().context() is Trust().context()
    assert Trust(authority).context() is Trust(authority).context()
    assert Trust(authority).context() is not Trust().context()
    pinned = Trust(authority, frozenset({"AB"}))
    assert pinned.context() is not Trust(authority).context()


def test_a_file_that_was_changed_makes_one_other_context(tmp_path: Path) -> None:
    """Whichever it is, and even if it looks as old as it was."""
    files = Certificates.issue(tmp_path)
    paths = (files.authority, files.certificate, files.key)
    trust = Trust(files.authority, certificate=files.certificate, key=files.key)
    for path in paths:
        before = trust.context()
        renewed, age = tmp_path / "renewed", path.stat().st_mtime_ns
        renewed.write_bytes(path.read_bytes())
        os.utime(renewed, ns=(age, age))
        renewed.chmod(0o600)
        renewed.rename(path)
        assert trust.context() is not before
        assert trust.context() is trust.context()


def test_the_context_before_a_change_is_not_kept(tmp_path: Path) -> None:
    authority = Certificates.issue(tmp_path).authority
    trust = Trust(authority)
    before = weakref.ref(trust.context())
    authority.touch()
    assert trust.context() is not before()
    gc.collect()
    assert before() is None


def test_an_authority_of_our_own_is_the_only_one_that_is_trusted(
    tmp_path: Path,
) -> None:
    context = Trust(Certificates.issue(tmp_path).authority).context()
    assert len(context.get_ca_certs()) == 1


def test_a_file_that_can_not_be_used_is_named_and_may_be_mended(tmp_path: Path) -> None:
    fit = Certificates.issue(tmp_path)
    garbage, absent = tmp_path / "garbage.pem", tmp_path / "absent.pem"
    garbage.write_text("nothing")
    for unfit in (garbage, absent):
        for trust in (
            Trust(unfit),
            Trust(certificate=unfit),
            Trust(certificate=fit.certificate, key=unfit),
        ):
            with pytest.raises(TemporaryError, match=f"{unfit.name} can't be used"):
                trust.context()
    assert absent.write_bytes(fit.authority.read_bytes())
    Trust(absent).context()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
@pytest.mark.parametrize("together", [False, True])
def test_a_key_that_was_renewed_for_others_to_read_is_not_used(
    tmp_path: Path, mode: int, *, together: bool
) -> None:
    files = Certificates.issue(tmp_path)
    if together:
        both = files.key.read_bytes() + files.certificate.read_bytes()
        files.key.write_bytes(both)
        trust = Trust(certificate=files.key)
    else:
        trust = Trust(certificate=files.certificate, key=files.key)
    trust.context()
    files.key.chmod(mode)
    with pytest.raises(TemporaryError, match=r"others may read .*server\.key"):
        trust.context()
    files.key.chmod(0o600)
    trust.context()


def test_a_key_of_another_certificate_or_one_that_is_locked_is_refused(
    tmp_path: Path,
) -> None:
    """Nobody is asked for the password of a key: nobody is there."""
    fit, other = (Certificates.issue(tmp_path / name) for name in ("fit", "other"))
    locked = tmp_path / "locked.key"
    command = f"openssl pkey -aes128 -passout pass:word -in {fit.key} -out {locked}"
    subprocess.run(command.split(), check=True, capture_output=True)
    for unfit in (other.key, locked):
        with pytest.raises(TemporaryError, match=f"{unfit.name} can't be used"):
            Trust(certificate=fit.certificate, key=unfit).context()


def test_connections_in_tls_keep_a_small_read_buffer() -> None:
    Trust().context()
    assert sslproto.SSLProtocol.max_size == 16 * 1024


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_loopback_needs_no_tls(host: str) -> None:
    require_protection(Tls.NONE, host)


@pytest.mark.parametrize(
    "host",
    ["mail.example.org", "192.0.2.1", "localhost.example.org", "0.0.0.0", "::", ""],
)
def test_any_other_host_needs_tls(host: str) -> None:
    with pytest.raises(PermanentError, match="loopback"):
        require_protection(Tls.NONE, host)
    for tls in (Tls.IMPLICIT, Tls.STARTTLS):
        require_protection(tls, host)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            "there is no host of that name",
        ),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "later"),
        (ConnectionRefusedError(111, "x"), "nothing listens there"),
    ],
)
def test_a_server_that_is_not_there_is_told_in_plain_words(
    error: OSError, told: str
) -> None:
    assert told in tell_failure(error)


def test_a_server_that_speaks_no_tls_is_told_in_plain_words() -> None:
    async def run() -> str:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"* OK this is no TLS\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            context = Trust().context()
            try:
                await asyncio.open_connection("127.0.0.1", port, ssl=context)
            except OSError as error:
                return tell_failure(error)
        return ""

    told = asyncio.run(run())
    assert told.startswith("what answers there is no TLS: another port may be right")
    assert "WRONG_VERSION_NUMBER" in told
