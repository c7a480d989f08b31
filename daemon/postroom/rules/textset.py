"""Many patterns looked for at once: which of them may fit one of a few texts.

Invariant: a pattern that fits is never missed; one that does not may be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import re2  # type: ignore[import-untyped] # it has no types

from postroom.rules.text import Text

_MEMORY = 64 * 1024 * 1024
# It matches whatever it is shown: where it does not, RE2 gave up (out of memory).
_SENTINEL = b""


class TextSet:
    """Patterns as one machine, that takes about as long for all as for a few."""

    def __init__(self, texts: Sequence[Text]) -> None:
        numbered = tuple(enumerate(texts))
        self._folded = _Machine((n, text) for n, text in numbered if text.is_folded)
        self._exact = _Machine((n, text) for n, text in numbered if not text.is_folded)

    def matching(self, values: Iterable[str]) -> frozenset[int] | None:
        """The places in `texts` of all that match one of the values, and maybe of more;
        None if that could not be told, and each must be asked."""
        found: set[int] = set()
        for value in values:
            folded = self._folded.find(value.casefold())
            exact = self._exact.find(value)
            if folded is None or exact is None:
                return None
            found |= folded | exact
        return frozenset(found)


class _Machine:
    """The patterns that look at a text in the same form."""

    def __init__(self, texts: Iterable[tuple[int, Text]]) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        self._set = re2.Set.SearchSet(options)
        self._numbers: list[int] = []
        for number, text in texts:
            self._set.Add(text.pattern.encode())
            self._numbers.append(number)
        self._sentinel = self._set.Add(_SENTINEL)
        self._is_ready = _compile(self._set)

    def find(self, value: str) -> set[int] | None:
        """The numbers of the patterns found in a text; None if RE2 gave up."""
        if not self._is_ready:
            return None
        if not self._numbers:
            return set()
        found = self._set.Match(value.encode("utf-8", "replace")) or []
        if self._sentinel not in found:
            return None
        return {self._numbers[place] for place in found if place != self._sentinel}


def _compile(patterns: re2.Set) -> bool:
    try:
        patterns.Compile()
    except re2.error:
        return False
    return True
