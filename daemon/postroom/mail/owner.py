"""For whom postroom acts: one account's owner."""

from __future__ import annotations

from dataclasses import dataclass


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
        own = (self.address, *self.aliases)
        return address.lower() in {mine.lower() for mine in own}
