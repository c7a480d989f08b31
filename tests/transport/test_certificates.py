"""No word is said to a server whose certificate is not the one that is expected.

IMAP and SMTP, in TLS at once and after STARTTLS: all four come to the same check.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroom.errors import TemporaryError
from postroom.transport.tls import Tls, Trust
from tests.servers.certificates import Certificates
from tests.transport.secured import secured

STRANGE = ":".join(["AB"] * 32)
four_ways = pytest.mark.parametrize(
    ("protocol", "tls"),
    [(name, tls) for name in ("imap", "smtp") for tls in (Tls.IMPLICIT, Tls.STARTTLS)],
)
both_versions = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
)


def refusal(
    protocol: str, tls: Tls, context: ssl.SSLContext, trust: Trust
) -> tuple[str, int]:
    """Why a client refuses a server, and that server's port; nothing may be said."""

    async def main() -> tuple[str, int]:
        async with secured(protocol, tls, context) as server:
            with pytest.raises(TemporaryError) as caught:
                await server.client(trust).probe()
        assert server.heard == []
        return str(caught.value), server.port

    return asyncio.run(main())


@four_ways
def test_the_certificate_that_is_pinned_is_taken(
    certificates: Certificates, protocol: str, tls: Tls
) -> None:
    pins = frozenset({STRANGE, certificates.fingerprint})

    async def main() -> None:
        async with secured(protocol, tls, certificates.server_context()) as server:
            await server.client(Trust(certificates.authority, pins)).probe()
        assert server.heard

    asyncio.run(main())


@both_versions
@four_ways
def test_to_another_certificate_than_the_pinned_one_nothing_is_said(
    certificates: Certificates, protocol: str, tls: Tls, version: ssl.TLSVersion
) -> None:
    context = certificates.server_context()
    context.maximum_version = version
    trust = Trust(certificates.authority, frozenset({STRANGE}))
    told, port = refusal(protocol, tls, context, trust)
    assert told == (
        f"127.0.0.1:{port}: its certificate is not trusted: its fingerprint is "
        f"{certificates.fingerprint}, and not the pinned {STRANGE}"
    )


@four_ways
def test_a_pin_makes_nobody_trusted(
    certificates: Certificates, tmp_path: Path, protocol: str, tls: Tls
) -> None:
    stranger = Certificates.issue(tmp_path)
    trust = Trust(certificates.authority, frozenset({stranger.fingerprint}))
    told, _ = refusal(protocol, tls, stranger.server_context(), trust)
    assert "no authority that is trusted here vouches for it" in told


@four_ways
def test_a_certificate_is_refused_in_plain_words(
    certificates: Certificates, tmp_path: Path, protocol: str, tls: Tls
) -> None:
    late = Certificates.issue(tmp_path / "late", until=datetime(2020, 1, 1, tzinfo=UTC))
    other = Certificates.issue(tmp_path / "other", "elsewhere.example")
    for server, trusted, reason in [
        (late, late, "certificate has expired"),
        (other, other, "IP address mismatch, .+ not valid for '127.0.0.1'"),
        (
            late,
            certificates,
            r"no authority that is trusted here vouches for it \(.+\)",
        ),
    ]:
        context, trust = server.server_context(), Trust(trusted.authority)
        told, port = refusal(protocol, tls, context, trust)
        place = f"127.0.0.1:{port}: its certificate is not trusted: "
        assert re.fullmatch(place + reason, told), told


def test_a_certificate_that_vouches_for_itself_is_its_own_authority(
    tmp_path: Path,
) -> None:
    lonely = Certificates.sign_itself(tmp_path)
    told, _ = refusal("imap", Tls.IMPLICIT, lonely.server_context(), Trust())
    assert "no authority that is trusted here vouches for it (self-signed" in told

    async def main() -> None:
        context = lonely.server_context()
        trust = Trust(lonely.certificate, frozenset({lonely.fingerprint}))
        async with secured("imap", Tls.IMPLICIT, context) as server:
            await server.client(trust).probe()
        assert server.heard

    asyncio.run(main())


def der(certificate: Path) -> bytes:
    """The certificate of a file as it goes over the network."""
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


def asking(certificates: Certificates, version: ssl.TLSVersion) -> ssl.SSLContext:
    """The context of a server that requires a certificate of its clients."""
    context = certificates.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.authority)
    context.maximum_version = version
    return context


@both_versions
@four_ways
def test_a_server_that_asks_for_a_certificate_is_shown_ours(
    certificates: Certificates, protocol: str, tls: Tls, version: ssl.TLSVersion
) -> None:
    async def main() -> None:
        context = asking(certificates, version)
        certificate, key = certificates.client("ann")
        trust = Trust(certificates.authority, certificate=certificate, key=key)
        async with secured(protocol, tls, context) as server:
            await server.client(trust).probe()
        assert set(server.shown) == {der(certificate)}

    asyncio.run(main())


@both_versions
@four_ways
def test_a_server_that_asks_for_a_certificate_refuses_those_without(
    certificates: Certificates, protocol: str, tls: Tls, version: ssl.TLSVersion
) -> None:
    context = asking(certificates, version)
    _, port = refusal(protocol, tls, context, Trust(certificates.authority))
    assert port


# -- renewed files ---------------------------------------------------------------------


@four_ways
def test_a_renewed_authority_is_picked_up_at_the_next_connection(
    tmp_path: Path, protocol: str, tls: Tls
) -> None:
    old, new = (Certificates.issue(tmp_path / name) for name in ("old", "new"))
    authority = tmp_path / "ca.pem"
    trust = Trust(authority)

    async def main() -> None:
        context = old.server_context()
        async with secured(protocol, tls, context) as server:
            client = server.client(trust)
            shutil.copy(old.authority, authority)
            await client.probe()
            shutil.copy(new.authority, authority)
            with pytest.raises(TemporaryError, match="no authority that is trusted"):
                await client.probe()
            context.load_cert_chain(new.certificate, new.key)
            await client.probe()

    asyncio.run(main())


def test_a_renewed_certificate_of_ours_is_shown_at_the_next_connection(
    certificates: Certificates,
) -> None:
    async def main() -> None:
        context = asking(certificates, ssl.TLSVersion.TLSv1_3)
        certificate, key = certificates.client("bob")
        shown = [der(certificate)]
        trust = Trust(certificates.authority, certificate=certificate, key=key)
        async with secured("imap", Tls.IMPLICIT, context) as server:
            client = server.client(trust)
            await client.probe()
            certificates.client("bob")
            shown.append(der(certificate))
            await client.probe()
        assert list(dict.fromkeys(server.shown)) == shown

    asyncio.run(main())
