"""TLS is verified, always; a context is shared by all connections with the same files.

A context of its own costs a connection a megabyte and 30 ms of CPU.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import ssl
import stat
from asyncio import sslproto
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from postroom.errors import PermanentError, TemporaryError

# One TLS record (RFC 8446, section 5.1). asyncio reserves 256 KiB for each connection,
# which is four fifths of what an idle account costs, and gains no throughput by it.
READ_BUFFER = 16 * 1024

# OpenSSL's ways to say that the chain of a certificate ends at nobody that is trusted.
_NOBODY_VOUCHES = range(18, 22)

# What OpenSSL calls the ways in which TLS does not come about, and what they mean.
_IN_PLAIN_WORDS = {
    "WRONG_VERSION_NUMBER": "what answers there is no TLS: another port may be right, "
    'or tls = "starttls"',
    "HTTP_REQUEST": "what answers there is a web server",
    "UNSUPPORTED_PROTOCOL": "it speaks only versions of TLS that are too old",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks only versions of TLS that are too old",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it found nothing in common for TLS",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate of ours",
    "UNEXPECTED_EOF_WHILE_READING": "it hung up in the middle of TLS",
    "DH_KEY_TOO_SMALL": "its key for TLS is too short to protect anything",
    "EE_KEY_TOO_SMALL": "the key of its certificate is too short to protect anything",
}
_UNKNOWN_HOST = {socket.EAI_NONAME, socket.EAI_NODATA}

# OpenSSL's number for what an application finds wrong, not itself.
_WRONG_PIN = 50

# What tells that a file is another one, or was changed: numbers of its `stat`.
_Stamp = tuple[int, ...]


class Tls(StrEnum):
    """How a connection is protected; never "if the server happens to offer it"."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True)
class Trust:
    """Which certificate of a server is taken, and which one the server is shown.

    `ca` is trusted instead of the system's authorities. Where there are `pins`, the
    server's certificate must besides have one of these fingerprints. `certificate` is
    shown to a server that asks for one; its `key` may be in the same file.
    """

    ca: Path | None = None
    pins: frozenset[str] = frozenset()
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """The client context, TLS 1.2 and up; another one once a file was changed.

        Raises `TemporaryError` when a file can't be used: it may be half renewed.
        """
        stamps = [_stamp(path) for path in self._files()]
        if self not in _contexts or _contexts[self][0] != stamps:
            _contexts[self] = stamps, _make_context(self)
        return _contexts[self][1]

    def _files(self) -> list[Path]:
        system = ssl.get_default_verify_paths()
        authorities = [self.ca] if self.ca else [system.cafile, system.capath]
        return [Path(p) for p in (*authorities, self.certificate, self.key) if p]


_contexts: dict[Trust, tuple[list[_Stamp], ssl.SSLContext]] = {}


@contextmanager
def _using(*paths: Path | None) -> Iterator[None]:
    """Translate what goes wrong with these files."""
    try:
        yield
    except OSError as error:  # ssl.SSLError is one, too
        named = " with ".join(map(str, filter(None, paths))) or "the system's CA files"
        raise TemporaryError(f"{named} can't be used for TLS: {error}") from error


def _stamp(path: Path) -> _Stamp:
    with _using(path):
        status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _make_context(trust: Trust) -> ssl.SSLContext:
    sslproto.SSLProtocol.max_size = READ_BUFFER
    with _using(trust.ca):
        context = ssl.create_default_context(cafile=trust.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust.pins:
        context.sslobject_class = _pinned(trust.pins)
    if trust.certificate:
        with _using(trust.certificate, trust.key):
            _require_private(trust.key or trust.certificate)
            # With a password OpenSSL does not ask the terminal for one.
            context.load_cert_chain(trust.certificate, trust.key, password="")
    return context


def _require_private(key: Path) -> None:
    """Raise `OSError` if others may read it: a renewal may have forgotten its mode."""
    if key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PermissionError(f"others may read {key}: chmod 600 it")


def _pinned(pins: Collection[str]) -> type[ssl.SSLObject]:
    """The class of connections to servers with one of these fingerprints.

    asyncio makes them all, implicit and STARTTLS, and gives them nothing to write
    before the handshake has come to a good end.
    """

    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            _require_pin(self.getpeercert(binary_form=True) or b"", pins)

    return Pinned


def _require_pin(certificate: bytes, pins: Collection[str]) -> None:
    shown = hashlib.sha256(certificate).digest().hex(":").upper()
    if shown not in pins:
        expected = " or ".join(sorted(pins))
        reason = f"its fingerprint is {shown}, and not the pinned {expected}"
        error = ssl.SSLCertVerificationError(reason)
        error.verify_code, error.verify_message = _WRONG_PIN, reason
        raise error


def tell_failure(error: BaseException) -> str:
    """Why there is no connection, in plain words where a library's are not."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {_tell_distrust(cause)}"
        if isinstance(cause, ssl.SSLError) and cause.reason in _IN_PLAIN_WORDS:
            return f"{_IN_PLAIN_WORDS[cause.reason]} ({cause.reason})"
        if isinstance(cause, socket.gaierror) and cause.errno in _UNKNOWN_HOST:
            return f"there is no host of that name ({cause.strerror})"
        if isinstance(cause, ConnectionRefusedError):
            return "nothing listens there (connection refused)"
        cause = cause.__cause__
    return str(error)


def _tell_distrust(error: ssl.SSLCertVerificationError) -> str:
    reason = error.verify_message.removesuffix(".")
    if error.verify_code in _NOBODY_VOUCHES:
        return f"no authority that is trusted here vouches for it ({reason})"
    return reason


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
