"""One form for letters with accents, however they were written.

Invariant: it is linear in the text, whatever a stranger has written.
"""

from __future__ import annotations

import re
import unicodedata

# Unicode normalization sorts the accents of a letter in quadratic time: a body of
# nothing else would take it hours. No writing has so many on one letter; Unicode's
# Stream-Safe Text Format (UAX #15, section 13) ends at thirty.
_ENDLESS_ACCENTS = re.compile(r"([^\w\x00-\x7f]{33,}+)")


def compose(text: str) -> str:
    """The text in NFC; only a letter with dozens of accents is left as it is."""
    if text.isascii():
        return text
    parts = _ENDLESS_ACCENTS.split(text)
    parts[::2] = [unicodedata.normalize("NFC", part) for part in parts[::2]]
    return "".join(parts)
