"""Many patterns looked for at once: which of them may fit one of a few texts.

Invariant: a pattern that fits is never missed; one that does not may be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Generic, TypeVar

import re2  # type: ignore[import-untyped] # it has no types

from postroom.rules.forms import encode, fold
from postroom.rules.text import Text

_MEMORY = 64 * 1024 * 1024
# It matches whatever it is shown: where it does not, RE2 gave up (out of memory).
_SENTINEL = b""
# So few are asked one by one as fast.
_FEW = 8
# There may be many conditions, and one machine for each.
_MEMORY_OF_ONE = 8 * 1024 * 1024

_Kind = TypeVar("_Kind", bound=Text)


class TextSet:
    """Patterns as one machine, that takes about as long for all as for a few."""

    def __init__(self, texts: Sequence[Text], memory: int = _MEMORY) -> None:
        folded = [(n, text) for n, text in enumerate(texts) if text.is_folded]
        exact = [(n, text) for n, text in enumerate(texts) if not text.is_folded]
        self._folded, self._exact = _Machine(folded, memory), _Machine(exact, memory)

    def matching(self, values: Iterable[str]) -> frozenset[int] | None:
        """The places in `texts` of all that match one of the values, and maybe of more;
        None if that could not be told, and each must be asked."""
        found: set[int] = set()
        for value in values:
            folded = self._folded.find(fold(value).encode("utf-8", "replace"))
            exact = self._exact.find(encode(value))
            if folded is None or exact is None:
                return None
            found |= folded | exact
        return frozenset(found)


class AnyOf(Generic[_Kind]):
    """The patterns of one condition, any of which will do."""

    def __init__(self, texts: Sequence[_Kind]) -> None:
        self._texts = texts

    def fits(self, values: Sequence[str]) -> bool:
        """True if one of the patterns fits one of the values."""
        likely = self.likely(values)
        return any(text.matches(value) for value in values for text in likely)

    def likely(self, values: Iterable[str]) -> Sequence[_Kind]:
        """The patterns without those that fit none of the values, if they are many."""
        if len(self._texts) <= _FEW:
            return self._texts
        found = self._set.matching(values)
        return self._texts if found is None else [self._texts[n] for n in sorted(found)]

    @cached_property
    def _set(self) -> TextSet:
        return TextSet(self._texts, _MEMORY_OF_ONE)


class _Machine:
    """The patterns that look at a text in the same form."""

    def __init__(self, texts: Iterable[tuple[int, Text]], memory: int) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = memory
        self._set = re2.Set.SearchSet(options)
        self._numbers: list[int] = []
        for number, text in texts:
            self._set.Add(text.pattern.encode())
            self._numbers.append(number)
        self._sentinel = self._set.Add(_SENTINEL)
        self._is_ready = _compile(self._set)

    def find(self, value: bytes) -> set[int] | None:
        """The numbers of the patterns found in a text; None if RE2 gave up."""
        if not self._is_ready:
            return None
        if not self._numbers:
            return set()
        found = self._set.Match(value) or []
        if self._sentinel not in found:
            return None
        return {self._numbers[place] for place in found if place != self._sentinel}


def _compile(patterns: re2.Set) -> bool:
    try:
        patterns.Compile()
    except re2.error:
        return False
    return True
