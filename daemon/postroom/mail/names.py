"""Names of mailboxes, as postroom compares them.

Invariant: two spellings of one mailbox have the same canonical name, and a canonical
name is its own.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

INBOX = "INBOX"


@lru_cache(maxsize=1000)
def canonical(name: str) -> str:
    """The name with its accents in one form (NFC), and INBOX in upper case."""
    first, *more = unicodedata.normalize("NFC", name).split("/")
    return "/".join([INBOX if is_inbox(first) else first, *more])


def is_inbox(level: str) -> bool:
    """True of INBOX in any case (RFC 3501, section 5.1)."""
    # Beyond ASCII there are letters whose upper case is an I.
    return level.isascii() and level.upper() == INBOX
