"""What a server told of its mailboxes, searched by the names that users give them.

Two names of one look are one name: the server's octets decide which mailbox it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from postroom.errors import PermanentError
from postroom.mail.names import canonical
from postroom.transport.imap.names import Names, to_octets, to_text
from postroom.transport.imap.responses import Listed
from postroom.transport.imap.specialuse import (
    ATTRIBUTES,
    USES,
    SpecialUse,
    folded,
)


class Listing:
    """What one LIST told; \\Noselect is a level of the hierarchy and no mailbox."""

    def __init__(self, names: Names, found: Iterable[Listed]) -> None:
        self._names = names
        # A mailbox without a name can't be told from none.
        self._listed = {each.name: each for each in found if each.name}

    def find(self, name: str) -> Listed | None:
        """The mailbox or level that the user calls `name`."""
        encoded = self._names.to_server(name)
        exact = self._listed.get(to_octets(encoded))
        if exact and exact.selectable:
            return exact
        return self._by_name.get(self._names.to_user(to_octets(encoded)), exact)

    def serving(self, use: SpecialUse) -> Listed | None:
        """The user's own mailbox of a special use, if a user's name reaches it: the one
        that the server says, or the first one that is usually called so."""
        for mailbox in self._marked:
            if mailbox.attributes & use.attributes:
                return mailbox
        found = (self._by_folded.get(folded(name)) for name in use.usual)
        return next((mailbox for mailbox in found if mailbox is not None), None)

    def uses(self) -> dict[str, str]:
        """What users call the mailboxes of special use, by the usual names of these."""
        found = {use.usual[0]: self.serving(use) for use in USES}
        return {
            name: self._names.to_user(mailbox.name)
            for name, mailbox in found.items()
            if mailbox is not None
        }

    def to_server(self, name: str) -> str:
        """The server's own name of what the user calls `name`, which need not be there:
        then it is below the deepest of its levels that are."""
        parts = canonical(name).split("/")
        for depth in range(len(parts), 0, -1):
            if found := self.find("/".join(parts[:depth])):
                below = "/".join(parts[depth:])
                return self._written(found.name, below)
        return self._names.to_server(name)

    def mailboxes(self) -> frozenset[str]:
        """What users call the mailboxes; two that look the same have one name."""
        every = (each for each in self._listed.values() if each.selectable)
        return frozenset(self._names.to_user(each.name) for each in every)

    def _written(self, octets: bytes, below: str) -> str:
        return self._names.below(octets, below) if below else to_text(octets)

    def _is_reached(self, mailbox: Listed) -> bool:
        """False if a command under its user's name would go to another mailbox."""
        try:
            return self.find(self._names.to_user(mailbox.name)) is mailbox
        except PermanentError:
            return False  # no user can write that name

    @cached_property
    def _by_name(self) -> dict[str, Listed]:
        # Of two that look the same the one that is a mailbox comes last, and counts.
        ordered = sorted(self._listed.values(), key=lambda each: each.selectable)
        return {self._names.to_user(each.name): each for each in ordered}

    @cached_property
    def _own(self) -> list[Listed]:
        every = (each for each in self._listed.values() if each.selectable)
        own = (each for each in every if not self._names.shares(each.name))
        return [each for each in own if self._is_reached(each)]

    @cached_property
    def _marked(self) -> list[Listed]:
        return [each for each in self._own if each.attributes & ATTRIBUTES]

    @cached_property
    def _by_folded(self) -> dict[str, Listed]:
        return {folded(self._names.to_user(each.name)): each for each in self._own}
