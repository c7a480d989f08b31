"""The two forms of a text that patterns look at.

Invariant: a text is brought into each of them once, however many patterns look at it
one after the other.
"""

from __future__ import annotations

import re
from functools import lru_cache

from postroom.mail.composed import compose

# Of longer ones the last is remembered: the body that is looked at.
_SHORT = 4096
# The texts of the header that is looked at.
_SHORT_ONES = 64
# Where a writer's program wraps a line is nobody's choice.
_WHITE = re.compile(r"\s{2,}|[^\S ]")


def fold(text: str) -> str:
    """The text composed and casefolded, each run of white space as one space."""
    return _fold_short(text) if len(text) <= _SHORT else _fold_long(text)


def encode(text: str) -> bytes:
    """The text composed, as the octets that RE2 reads."""
    return _encode_short(text) if len(text) <= _SHORT else _encode_long(text)


def _fold(text: str) -> str:
    return _WHITE.sub(" ", compose(text).casefold())


def _encode(text: str) -> bytes:
    return compose(text).encode("utf-8", "replace")


_fold_short, _fold_long = lru_cache(_SHORT_ONES)(_fold), lru_cache(1)(_fold)
_encode_short, _encode_long = lru_cache(_SHORT_ONES)(_encode), lru_cache(1)(_encode)
