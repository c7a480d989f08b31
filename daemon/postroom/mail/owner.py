"""For whom postroom acts: one account's owner."""

from __future__ import annotations

from dataclasses import dataclass

from postroom.mail.addresses import without_tag


@dataclass(frozen=True)
class Owner:
    """For whom postroom acts: the account's name, its address, a display name, and the
    other addresses that are the owner's."""

    account: str
    address: str
    name: str = ""
    relay: str = ""
    aliases: tuple[str, ...] = ()

    def owns(self, address: str) -> bool:
        """True if it is one of the owner's addresses, in any case."""
        return address.lower() in {mine.lower() for mine in self._own}

    def gets(self, address: str) -> bool:
        """True if mail to it may come to the owner: also to a sub-address."""
        return without_tag(address) in {without_tag(mine) for mine in self._own}

    @property
    def _own(self) -> tuple[str, ...]:
        return (self.address, *self.aliases)
