"""The conditions on what a message's headers, size and text say."""

from __future__ import annotations

from typing import ClassVar

from postroom import (
    Address,
    AddressTexts,
    Condition,
    Message,
    Octets,
    RegisterCondition,
    Texts,
    hookimpl,
)


class From(Condition):
    """An address in the From field fits."""

    depth = "headers"
    table_is_main = True
    field: ClassVar[str] = "From"
    addresses: AddressTexts

    def holds(self, message: Message) -> bool:
        """True if one of the addresses fits one of the patterns."""
        found = message.header.addresses(self.field)
        return any(text.fits(address) for text in self.addresses for address in found)

    def seen(self, message: Message) -> str:
        """The addresses of the field."""
        return show_addresses(message.header.addresses(self.field))


class To(From):
    """An address in the To field fits."""

    field = "To"


class Subject(Condition):
    """The decoded subject fits."""

    depth = "headers"
    table_is_main = True
    texts: Texts

    def holds(self, message: Message) -> bool:
        """True if one of the patterns fits."""
        return any(text.matches(message.subject) for text in self.texts)

    def seen(self, message: Message) -> str:
        """The decoded subject."""
        return message.subject


class Header(Condition):
    """Every named field is there and fits; any instance of a field may. `"*"` means
    that it is there."""

    depth = "headers"
    table_is_main = True
    fields: dict[str, Texts]

    def holds(self, message: Message) -> bool:
        """True if for each name one of the patterns fits one of the fields."""
        return all(
            any(
                text.matches(value) for text in texts for value in values(message, name)
            )
            for name, texts in self.fields.items()
        )

    def seen(self, message: Message) -> str:
        """The values of the named fields."""
        shown = (f"{name}: {', '.join(values(message, name))}" for name in self.fields)
        return "; ".join(shown)


class MailingList(Condition):
    """It came over a mailing list whose List-Id (RFC 2919) fits; `"*"` is any list."""

    depth = "headers"
    table_is_main = True
    texts: Texts

    def holds(self, message: Message) -> bool:
        """True if there is a List-Id and one of the patterns fits it."""
        found = values(message, "List-Id")
        return any(text.matches(value) for text in self.texts for value in found)

    def seen(self, message: Message) -> str:
        """The List-Id."""
        return message.header.text("List-Id")


class Size(Condition):
    """The message is larger than `over` and smaller than `under`, in octets; a plain
    value means over. K, M and G are powers of 1,024."""

    depth = "headers"
    over: Octets = 0
    under: Octets | None = None

    def holds(self, message: Message) -> bool:
        """True if the size is between the two, neither included."""
        return self.over < message.size and (
            self.under is None or message.size < self.under
        )

    def seen(self, message: Message) -> str:
        """The size in octets."""
        return str(message.size)


class Body(Condition):
    """The readable text of the body fits."""

    table_is_main = True
    texts: Texts

    def holds(self, message: Message) -> bool:
        """True if one of the patterns fits the decoded text."""
        return any(text.matches(message.text) for text in self.texts)


def values(message: Message, name: str) -> list[str]:
    """The decoded values of every field of this name."""
    return [field.text for field in message.header.all(name)]


def show_addresses(addresses: tuple[Address, ...]) -> str:
    """The addresses as a person writes them."""
    shown = (f"{a.name} <{a.address}>" if a.name else a.address for a in addresses)
    return ", ".join(shown)


@hookimpl
def register_conditions(register: RegisterCondition) -> None:
    """Bring the conditions under their names in rule files."""
    register("from", From)
    register("to", To)
    register("subject", Subject)
    register("header", Header)
    register("list", MailingList)
    register("size", Size)
    register("body", Body)
