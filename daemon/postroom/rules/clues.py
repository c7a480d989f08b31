"""What a condition looks for in a message, told before it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from postroom.mail.message import Message
from postroom.rules.text import Text


@dataclass(frozen=True)
class Place:
    """Fields of a header where patterns are looked for: their decoded values, or with
    `addresses` each address in them and each display name. Without fields it is the
    text of the body."""

    fields: tuple[str, ...] = ()
    addresses: bool = False

    def values(self, message: Message) -> Iterator[str]:
        """The texts that stand there."""
        if not self.fields:
            yield message.text
        for name in self.fields:
            if self.addresses:
                for address in message.header.addresses(name):
                    yield address.address
                    yield address.name
            else:
                yield from (entry.text for entry in message.header.all(name))


@dataclass(frozen=True)
class Clue:
    """The condition can't hold unless one of these patterns fits a text there."""

    place: Place
    texts: tuple[Text, ...]
