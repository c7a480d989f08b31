"""An address in texts and octets: where it is named, and the same without it."""

from __future__ import annotations

import json
import re

ERASED = "[erased]"


class Named:
    """The address as it stands in texts: in any case, and not as part of another."""

    def __init__(self, address: str) -> None:
        # In JSON a letter that is no ASCII is an escape.
        escaped = json.dumps(address)[1:-1]
        self.spellings = sorted({address, escaped})
        either = "|".join(map(re.escape, self.spellings))
        whole = rf"(?<![\w.+-])(?:{either})(?![\w-]|\.\w)"
        self._pattern = re.compile(whole, re.IGNORECASE)
        self._octets = re.compile(whole.encode(), re.IGNORECASE)

    def is_in(self, text: str | bytes | None) -> bool:
        """True if the text names the address."""
        if isinstance(text, bytes):
            return bool(self._octets.search(text))
        return bool(text and self._pattern.search(text))

    def without(self, text: str, by: str = ERASED) -> str:
        """The text with something else in the address's place."""
        return self._pattern.sub(by, text)
