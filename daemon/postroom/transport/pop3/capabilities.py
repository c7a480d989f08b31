"""What a server says that it can do (RFC 2449, section 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_NUMBER = re.compile("[0-9]{1,9}")


@dataclass(frozen=True)
class Capabilities:
    """What a server can do; `names` has the lines in which it told that, and none where
    it does not know CAPA.

    Without CAPA it is taken to know what is older: USER, TOP and UIDL are tried, and
    nothing else is.
    """

    uidl: bool = True
    top: bool = True
    pipelining: bool = False
    login_delay: int = 0
    expire: int | None = None
    names: frozenset[str] = frozenset()
    user: bool = True
    stls: bool = False
    sasl: frozenset[str] = frozenset()

    @classmethod
    def told(cls, answer: bytes) -> Self:
        """What the lines of an answer to CAPA say."""
        lines = answer.decode("ascii", "replace").split("\r\n")
        names = frozenset(line for line in map(_plain, lines) if line)
        found = {
            words[0]: words[1:] for words in (name.upper().split() for name in names)
        }
        return cls(
            uidl="UIDL" in found,
            top="TOP" in found,
            pipelining="PIPELINING" in found,
            login_delay=_number(found.get("LOGIN-DELAY", [])) or 0,
            expire=_number(found.get("EXPIRE", [])),
            names=names,
            user="USER" in found,
            stls="STLS" in found,
            sasl=frozenset(found.get("SASL", [])),
        )


def _plain(line: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in line).strip()


def _number(words: list[str]) -> int | None:
    """The number that comes first; None for `NEVER`, and for what is none."""
    return int(words[0]) if words and _NUMBER.fullmatch(words[0]) else None
