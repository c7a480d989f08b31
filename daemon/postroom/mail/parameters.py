"""The parameters of MIME fields, such as `charset` and `filename` (RFC 2045, 2231)."""

from __future__ import annotations

import re
from itertools import count, islice
from urllib.parse import unquote_to_bytes

from postroom.mail import limits
from postroom.mail.charset import decode
from postroom.mail.tokens import without_comments

_COMMENTS = r"\s*+(?:\([^()]*+\)\s*+)*+"
_PARAMETER = re.compile(
    rf";{_COMMENTS}([\w!#$%&*+.^`|~-]{{1,60}}){_COMMENTS}="
    r'\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))',
    re.ASCII,
)
_LEADING_ZEROS = re.compile(r"\A0+(?=[0-9])")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
# Many writers leave the quotation marks out even where there is a space.
_FILE_NAMES = {"filename", "name"}


def read_kind(value: str) -> str:
    """What a MIME field says before its parameters, in lower case, without comments."""
    kind = without_comments(value[: limits.KIND_CHARACTERS]).partition(";")[0]
    return kind.strip(' \t"').lower()


def read_media_type(value: str) -> str:
    """The media type of a Content-Type in lower case; text/plain if it has none."""
    return read_kind(value) or "text/plain"


def read_parameters(value: str) -> dict[str, str]:
    """The parameters of a field's value by their names in lower case.

    Those that are encoded or in pieces (RFC 2231) are decoded and put together, and
    come before a plain one of the same name. Never raises.
    """
    plain: dict[str, str] = {}
    pieces: dict[str, dict[str, str]] = {}
    for found in islice(_PARAMETER.finditer(value), limits.PARAMETERS):
        attribute, quoted, bare = found.groups("")
        name, star, piece = attribute.lower().partition("*")
        text = _QUOTED_PAIR.sub(r"\1", quoted) or _trim(bare, name)
        if star:
            pieces.setdefault(name, {})[_LEADING_ZEROS.sub("", piece)] = text
        else:
            plain[name] = text
    joined = {name: _join(given) for name, given in pieces.items()}
    return plain | {name: text for name, text in joined.items() if text}


def _trim(text: str, name: str) -> str:
    whole = text if name in _FILE_NAMES else "".join(text.split()[:1])
    return whole.strip().strip('"')


def _join(pieces: dict[str, str]) -> str:
    """One text of the pieces `0`, `1` and so on; a star behind says it is encoded."""
    charset, octets = "", []
    for number in count():
        encoded = pieces.get(f"{number}*")
        if number == 0:
            charset, encoded = _split_charset(pieces.get("", encoded))
        if encoded is not None:
            octets.append(unquote_to_bytes(encoded))
        elif str(number) in pieces:
            octets.append(pieces[str(number)].encode("utf-8", "replace"))
        else:
            return decode(b"".join(octets), charset)
    raise AssertionError("count() has no end")


def _split_charset(encoded: str | None) -> tuple[str, str | None]:
    if encoded is None or encoded.count("'") < 2:
        return "", encoded
    charset, _, text = encoded.split("'", 2)
    return charset, text
