"""Fingerprints of certificates, as people copy them from a tool."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

# What OpenSSL puts before the digits may stay there.
_SHA256 = re.compile(
    r"\s*(?:sha256 Fingerprint=)?([0-9a-f]{2}(?::?[0-9a-f]{2}){31})\s*", re.IGNORECASE
)


def _read_fingerprints(value: object) -> object:
    given = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_read_fingerprint(each) for each in given)


def _read_fingerprint(value: object) -> str:
    match = _SHA256.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            "expected a SHA-256 fingerprint, 64 hexadecimal digits with or without "
            'colons, as "openssl x509 -noout -fingerprint -sha256" prints it'
        )
    return bytes.fromhex(match[1].replace(":", "")).hex(":").upper()


# As OpenSSL writes them: upper case, with colons.
Fingerprints = Annotated[
    frozenset[str], BeforeValidator(_read_fingerprints), Field(min_length=1)
]
