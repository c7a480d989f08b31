"""What to say of a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], noun: str) -> str:
    """A complaint with the nearest name that is known, or all of them."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"there is no {noun} {name!r}; did you mean {close[0]!r}?"
    return f"there is no {noun} {name!r}; there are: {', '.join(known) or 'none'}"
