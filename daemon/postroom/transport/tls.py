"""TLS is verified, always; one context is shared by every connection with the same CA.

A context of its own costs a connection a megabyte and 30 ms of CPU.
"""

from __future__ import annotations

import ipaddress
import ssl
from asyncio import sslproto
from enum import StrEnum
from functools import cache
from pathlib import Path

from postroom.errors import PermanentError

# One TLS record (RFC 8446, section 5.1). asyncio reserves 256 KiB for each connection,
# which is four fifths of what an idle account costs, and gains no throughput by it.
READ_BUFFER = 16 * 1024


class Tls(StrEnum):
    """How a connection is protected; never "if the server happens to offer it"."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


@cache
def make_context(ca: Path | None = None) -> ssl.SSLContext:
    """The client context that trusts `ca`, or the system's authorities: TLS 1.2 and up.

    Raises `PermanentError` when the file can't be used.
    """
    sslproto.SSLProtocol.max_size = READ_BUFFER
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:  # ssl.SSLError is one, too
        raise PermanentError(f"{ca}: no usable CA certificates: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def require_protection(tls: Tls, host: str) -> None:
    """Raise `PermanentError` if a password would go over the network in the clear."""
    if tls is Tls.NONE and not _is_loopback(host):
        raise PermanentError(f"{host}: a connection without TLS is for loopback only")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
