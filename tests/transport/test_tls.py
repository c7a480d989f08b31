"""TLS is verified, and no password goes over a network in the clear."""

from __future__ import annotations

import ssl
from asyncio import sslproto
from pathlib import Path

import pytest

from postroom.errors import PermanentError
from postroom.transport.tls import Tls, make_context, require_protection
from tests.servers.certificates import Certificates


def test_a_context_verifies_and_is_modern() -> None:
    context = make_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_all_connections_share_the_context_of_their_authority(tmp_path: Path) -> None:
    authority = Certificates.issue(tmp_path).authority
    assert make_context() is make_context()
    assert make_context(authority) is make_context(authority)
    assert make_context(authority) is not make_context()


def test_an_authority_of_our_own_is_the_only_one_that_is_trusted(
    tmp_path: Path,
) -> None:
    context = make_context(Certificates.issue(tmp_path).authority)
    assert len(context.get_ca_certs()) == 1


def test_an_authority_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    garbage = tmp_path / "ca.pem"
    garbage.write_text("nothing")
    for path in (garbage, tmp_path / "absent.pem"):
        with pytest.raises(PermanentError, match=path.name):
            make_context(path)


def test_connections_in_tls_keep_a_small_read_buffer() -> None:
    make_context()
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
