"""Names of mailboxes: `/` to the user, the server's delimiter and UTF-7 on the wire.

No part of a user's name can become a delimiter, a command or a control character. Of
all the names that a user may give to one mailbox, postroom goes by one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from postroom.errors import PermanentError
from postroom.mail.names import canonical, is_inbox
from postroom.transport.mutf7 import decode_leniently, encode_utf7

# A name of more octets is none: no command could hold it, nor two be compared quickly.
LONGEST = 1_000


@dataclass(frozen=True)
class Names:
    """How an account's server names mailboxes (RFC 2342): its delimiter, the prefix of
    what is the user's own, the prefixes of what others share, and whether it was told
    to take UTF-8 (RFC 6855)."""

    delimiter: str | None = "/"
    prefix: str = ""
    foreign: tuple[str, ...] = ()
    utf8: bool = False

    def to_server(self, name: str) -> str:
        """The server's name, encoded, of what the user calls `name`.

        Raises `PermanentError` if no mailbox can have that name.
        """
        return _short_enough(self._prefixed(self._path(_parts(name))))

    def below(self, octets: bytes, name: str) -> str:
        """The server's name of `name` below the mailbox that it calls `octets`."""
        above = to_text(octets)
        return _short_enough(above + self._joint + self._path(name.split("/")))

    def to_user(self, name: bytes) -> str:
        """What the user calls the mailbox that the server calls `name`."""
        own = name.removeprefix(to_octets(self.prefix))
        if own and self._prefixed(to_text(own)) == to_text(name):
            name = own
        path = name.decode("utf-8", "replace") if self.utf8 else decode_leniently(name)
        if self.delimiter != "/":
            path = path.replace("/", "_")
        if self.delimiter:
            path = path.replace(self.delimiter, "/")
        return canonical(path)

    def spelling(self, name: str) -> str:
        """The one spelling of all names by which a user means the same mailbox."""
        try:
            return self.to_user(to_octets(self.to_server(name)))
        except PermanentError:
            return canonical(name)  # no mailbox can have that name

    def shares(self, name: bytes) -> bool:
        """True if the mailbox is in a namespace of others."""
        return name.startswith(tuple(map(to_octets, self.foreign)))

    def owns(self, name: bytes) -> bool:
        """True if the user's own namespace is where that mailbox is made."""
        text = to_text(name)
        if (text + self._joint).startswith(self.foreign):
            return False
        return text.startswith(self.prefix) or is_inbox(self._first(text))

    @property
    def _joint(self) -> str:
        return self.delimiter or "_"

    def _path(self, parts: Sequence[str]) -> str:
        path = self._joint.join(part.replace(self._joint, "_") for part in parts)
        return path if self.utf8 else encode_utf7(path)

    def _prefixed(self, path: str) -> str:
        """The path under the user's own prefix, unless it has a place of its own."""
        elsewhere = (path + self._joint).startswith(self.foreign)
        return path if elsewhere or is_inbox(self._first(path)) else self.prefix + path

    def _first(self, path: str) -> str:
        return path.split(self.delimiter)[0] if self.delimiter else path


class Spellings:
    """What postroom calls the mailboxes of an account: each by one name, and those that
    are watched by the name that the settings give them first."""

    def __init__(self, names: Names, watched: Sequence[str]) -> None:
        self._names = names
        last_to_first = reversed(watched)
        self._watched: Mapping[str, str] = {
            names.spelling(name): name for name in last_to_first
        }

    def of(self, name: str) -> str:
        """The one name of the mailbox that a user may call `name`."""
        return self.watched(name) or self._names.spelling(name)

    def watched(self, name: str) -> str | None:
        """The name by which that mailbox is watched, if it is."""
        return self._watched.get(self._names.spelling(name))


def to_octets(name: str) -> bytes:
    """The octets of a server's name."""
    return name.encode("utf-8", "surrogateescape")


def to_text(name: bytes) -> str:
    """The reverse of `to_octets`, whatever the octets are."""
    return name.decode("utf-8", "surrogateescape")


def _parts(name: str) -> list[str]:
    """The levels of a user's name; raises `PermanentError` if it can't be one."""
    told = f"{name[:60]!r} can't be the name of a mailbox"
    parts = canonical(name).split("/")
    if not all(parts):
        raise PermanentError(f"{told}: one of its levels is empty")
    if any(map(_unprintable, name)):
        raise PermanentError(f"{told}: it has a character that can't be printed")
    return parts


def _short_enough(encoded: str) -> str:
    if len(to_octets(encoded)) > LONGEST:
        raise PermanentError(f"{encoded[:60]!r}... is too long for a mailbox")
    return encoded


def _unprintable(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
