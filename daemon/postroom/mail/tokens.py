"""The tokens of a structured field (RFC 5322, section 3.2), its comments left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[()<>,:;]|[^"\\()<>,:;]+', re.DOTALL)
# In a comment a quotation mark is like any other character.
_COMMENT = re.compile(r"\\.|[()]|[^()\\]+", re.DOTALL)


def read_tokens(value: str) -> Iterator[str]:
    """The tokens of a field's value: quoted strings whole, specials, and the rest.

    Linear and never raises; a comment without its end takes the rest of the value.
    """
    position, depth = 0, 0
    while match := (_COMMENT if depth else _TOKEN).match(value, position):
        token, position = match[0], match.end()
        if token == "(" or depth:
            depth += (token == "(") - (token == ")")
        else:
            yield token


def without_comments(value: str) -> str:
    """The value of a structured field without its comments."""
    return "".join(read_tokens(value))
