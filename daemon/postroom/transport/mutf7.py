"""Modified UTF-7 (RFC 3501, section 5.1.3): names of mailboxes in ASCII.

IMAP servers name mailboxes so, and Maildirs their folders.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64

_PLAIN = re.compile(r"[\x20-\x25\x27-\x7e]+")
_ENCODED = re.compile(r"&([A-Za-z0-9+,]*)-")


def encode_utf7(text: str) -> str:
    """`text` in the modified UTF-7 of RFC 3501, section 5.1.3."""
    written = []
    position = 0
    for match in _PLAIN.finditer(text):
        written += [_encode_run(text[position : match.start()]), match[0]]
        position = match.end()
    return "".join([*written, _encode_run(text[position:])])


def decode_utf7(text: str) -> str:
    """The reverse of `encode_utf7`; raises `ValueError`."""
    written = []
    position = 0
    for match in _ENCODED.finditer(text):
        written += [_plain(text[position : match.start()]), _decode_run(match[1])]
        position = match.end()
    return "".join([*written, _plain(text[position:])])


def decode_leniently(name: bytes) -> str:
    """The text of a name, whatever its maker made of it."""
    text = name.decode("utf-8", "replace")
    try:
        return decode_utf7(text)
    except ValueError:
        return text  # some speak UTF-8, or nothing at all


def _encode_run(run: str) -> str:
    # An ampersand stands for itself as "&-", even among characters that are encoded.
    return "&-".join(_encode_piece(piece) for piece in run.split("&"))


def _encode_piece(piece: str) -> str:
    if not piece:
        return ""
    encoded = b2a_base64(piece.encode("utf-16-be"), newline=False).decode()
    return f"&{encoded.rstrip('=').replace('/', ',')}-"


def _decode_run(run: str) -> str:
    if not run:
        return "&"
    padded = run.replace(",", "/") + "=" * (-len(run) % 4)
    return a2b_base64(padded, strict_mode=True).decode("utf-16-be")


def _plain(text: str) -> str:
    if "&" in text or not text.isascii():
        raise ValueError(f"{text!r} is not modified UTF-7")
    return text
