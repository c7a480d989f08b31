"""Octets to text that never raises, and text without anything that could end a line."""

from __future__ import annotations

import codecs
import re
import warnings

# Codecs that are no charsets of mail: slow on hostile input, or a second syntax of
# escapes inside the text.
_NO_CHARSETS = {
    "idna",
    "punycode",
    "unicode_escape",
    "unicode-escape",
    "raw_unicode_escape",
    "raw-unicode-escape",
    "undefined",
}

# C0, DEL, C1, and the line separators of Unicode.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def decode(octets: bytes, charset: str = "") -> str:
    """The text of these octets; an unknown charset or a wrong octet never raises.

    Without a charset it is UTF-8 if it can be, else Windows-1252. Lone surrogates
    become question marks, so that the text can be stored and logged.
    """
    codec = _find_codec(charset) if charset else ""
    if codec:
        return _without_surrogates(octets.decode(codec, "replace"))
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def one_line(text: str) -> str:
    """The text with every run of control characters turned into one space, trimmed."""
    return _CONTROLS.sub(" ", text).strip()


def _find_codec(charset: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            name = codecs.lookup(charset).name
            b"".decode(name)  # refuses what is no text encoding, such as zlib
    except (LookupError, ValueError, UnicodeError):
        return ""
    return "" if name in _NO_CHARSETS else name


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
