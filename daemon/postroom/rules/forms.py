"""The two forms of a text that patterns look at.

Invariant: a long text is brought into each of them once, however many patterns look at
it one after the other.
"""

from __future__ import annotations

import re
from functools import lru_cache

from postroom.mail.composed import compose

# From so many characters on it takes longer than to remember it.
_LONG = 4096
# Where a writer's program wraps a line is nobody's choice.
_WHITE = re.compile(r"\s{2,}|[^\S ]")


def fold(text: str) -> str:
    """The text composed and casefolded, each run of white space as one space."""
    return _fold_long(text) if len(text) >= _LONG else _fold(text)


def encode(text: str) -> bytes:
    """The text composed, as the octets that RE2 reads."""
    return _encode_long(text) if len(text) >= _LONG else _encode(text)


def _fold(text: str) -> str:
    return _WHITE.sub(" ", compose(text).casefold())


def _encode(text: str) -> bytes:
    return compose(text).encode("utf-8", "replace")


# One each: the body that is looked at.
@lru_cache(maxsize=1)
def _fold_long(text: str) -> str:
    return _fold(text)


@lru_cache(maxsize=1)
def _encode_long(text: str) -> bytes:
    return _encode(text)
