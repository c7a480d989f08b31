"""What must not be read is replaced, and what must not act is escaped.

A secret is known by its value, in every form in which a protocol writes it; what
nobody has registered is known by what stands around it, as in `password=…`.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

_REDACTED = "[secret]"
_FEWEST_CHARACTERS = 4
# Of what is logged most is short and logged again: names, states, what was done.
_SHORT = 100
_secrets: set[str] = set()
_forms: frozenset[str] = frozenset()

_QUOTED = r'"(?:[^"\\]|\\.){0,512}"'
# A scheme's name alone, as in "Basic authentication is disabled", is not redacted.
_TOKEN = r"(?=[^\s\"']{0,512}[0-9=+/])[A-Za-z0-9+/=._~-]{6,}"
# What each looks for, and a text without which there is none: in lower case, which is
# found many times as fast. Of a pattern the first group stays, and the last one. Each
# repetition has a bound, or is followed by nothing that could fail: the text may be a
# stranger's.
_PATTERNS = [
    (hint, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for hint, pattern in (
        ("bearer", rf"(\bBearer\s{{1,9}}){_TOKEN}()"),
        ("basic", rf"(\bBasic\s{{1,9}}){_TOKEN}()"),
        (
            "auth",
            r"(\bAUTH(?:ENTICATE)?\s{1,9}[A-Z0-9-]{1,20}\s{1,9})" + rf"{_TOKEN}()",
        ),
        ("login", rf"(\bLOGIN\s{{1,9}}{_QUOTED}\s{{1,9}})(?:{_QUOTED}|\S+)()"),
        ("login", rf"(\bLOGIN\s{{1,9}}[^\s\"]{{1,256}}\s{{1,9}}){_QUOTED}()"),
        (
            "=",
            rf"(\b(?:password|passwd|pwd|[a-z_]{{0,20}}(?:secret|token)|api_?key)=)"
            rf"(?:{_QUOTED}|'[^']{{0,512}}'|[^\s,;&\"']+)()",
        ),
        (
            '":',
            rf"(\"(?:password|passwd|[a-z_]{{0,20}}(?:secret|token)|api_?key)\":"
            rf"\s{{0,9}}){_QUOTED}()",
        ),
        ("://", r"(://[^\s/:@]{0,256}:)[^\s/]{1,256}(@)"),
        (
            "-----begin",
            r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*?"
            r"(-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
        ),
    )
]


def register_secrets(secrets: Iterable[str]) -> None:
    """Have these values redacted from now on; those under four characters are too
    common to be told from other text."""
    global _forms
    for secret in secrets:
        if len(secret) >= _FEWEST_CHARACTERS and secret not in _secrets:
            _secrets.add(secret)
            _forms = _forms.union(_forms_of(secret))


def forget_secrets() -> None:
    """Forget all that was registered."""
    global _forms
    _secrets.clear()
    _forms = frozenset()


def redact(text: str) -> str:
    """The text with every registered secret replaced, and what looks like one."""
    if len(text) <= _SHORT:
        return _redact_short(text, _forms)
    return _redact(text, _forms)


def _redact(text: str, forms: frozenset[str]) -> str:
    # The longest first: it may begin with another one.
    found = sorted((form for form in forms if form in text), key=len, reverse=True)
    if found:
        text = re.sub("|".join(map(_whole, found)), _REDACTED, text)
    # Beyond ASCII there are letters that are an i or an s in another case.
    lowered = text.lower() if text.isascii() else ""
    for hint, pattern in _PATTERNS:
        if not lowered or hint in lowered:
            text = pattern.sub(rf"\1{_REDACTED}\2", text)
    return text


# What is known of a text is known of these forms: of others it is asked anew.
_redact_short = lru_cache(maxsize=1000)(_redact)


def printable(text: str) -> str:
    """The text with secrets replaced and controls escaped; it keeps its lines."""
    return "\n".join(map(escape, redact(text).split("\n")))


def escape(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _forms_of(secret: str) -> Iterator[str]:
    """Every way in which a log may come to hold the secret."""
    octets = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield from _base64_forms(octets)
    yield quote(octets, safe="")
    yield quote_plus(octets)
    yield re.sub("%..", lambda code: code[0].lower(), quote(octets, safe=""))
    yield secret.replace("\\", "\\\\").replace('"', '\\"')  # a string of IMAP or TOML
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield repr(octets)[2:-1]
    yield octets.decode("latin-1")


def _base64_forms(octets: bytes) -> Iterator[str]:
    """What base64 makes of the secret, alone or inside of anything else, such as the
    responses of PLAIN and XOAUTH2: three octets become four characters, so that there
    are three ways in which it can stand there."""
    for before, foreign in ((0, 0), (1, 2), (2, 3)):
        length = (before + len(octets)) * 8 // 6
        form = b64encode(b"\0" * before + octets).decode()[foreign:length]
        if len(form) >= _FEWEST_CHARACTERS:
            yield form
            yield form.replace("+", "-").replace("/", "_")  # RFC 4648, section 5


def _whole(form: str) -> str:
    """What is replaced: of base64 its neighbours, too, for they hold bits of it."""
    pattern = re.escape(form)
    if form in _secrets or not re.fullmatch(r"[A-Za-z0-9+/_-]+", form):
        return pattern
    return rf"[A-Za-z0-9+/_-]{{0,3}}{pattern}[A-Za-z0-9+/_-]{{0,3}}={{0,2}}"
