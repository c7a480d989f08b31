"""The conditions on what a message says: its header, its text, its attachments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from postroom import (
    Address,
    AddressTexts,
    Clue,
    Condition,
    Message,
    Octets,
    Place,
    RegisterCondition,
    Texts,
    hookimpl,
)


class From(Condition):
    """An address in the From field fits."""

    depth = "headers"
    table_is_main = True
    place: ClassVar[Place] = Place(("From",), addresses=True)
    addresses: AddressTexts

    def holds(self, message: Message) -> bool:
        """True if one of the addresses fits one of the patterns."""
        found = self.found(message)
        return any(text.fits(address) for text in self.addresses for address in found)

    def seen(self, message: Message) -> str:
        """The addresses of the field."""
        return show_addresses(self.found(message))

    def clue(self) -> Clue:
        """The patterns, wherever the addresses are."""
        return Clue(self.place, self.addresses)

    def found(self, message: Message) -> list[Address]:
        """The addresses that are looked at."""
        return [
            a for field in self.place.fields for a in message.header.addresses(field)
        ]


class To(From):
    """An address in the To field fits."""

    place = Place(("To",), addresses=True)


class Cc(From):
    """An address in the Cc field fits."""

    place = Place(("Cc",), addresses=True)


class Recipient(From):
    """An address fits in a field that tells whom it was sent or delivered to: To, Cc,
    Bcc, Resent-To, Resent-Cc, Delivered-To, X-Original-To or Envelope-To."""

    place = Place(
        (
            *("To", "Cc", "Bcc", "Resent-To", "Resent-Cc"),
            *("Delivered-To", "X-Original-To", "Envelope-To"),
        ),
        addresses=True,
    )


class Subject(Condition):
    """The decoded subject fits."""

    depth = "headers"
    table_is_main = True
    texts: Texts

    def holds(self, message: Message) -> bool:
        """True if one of the patterns fits."""
        return fits(self.texts, [message.subject])

    def seen(self, message: Message) -> str:
        """The decoded subject."""
        return message.subject

    def clue(self) -> Clue | None:
        """The patterns, unless one fits where there is no subject."""
        return None if fits(self.texts, [""]) else Clue(Place(("Subject",)), self.texts)


class Header(Condition):
    """Every named field is there and fits; any instance of a field may. `"*"` means
    that it is there."""

    depth = "headers"
    table_is_main = True
    fields: dict[str, Texts]

    def holds(self, message: Message) -> bool:
        """True if for each name one of the patterns fits one of the fields."""
        return all(
            fits(texts, values(message, name)) for name, texts in self.fields.items()
        )

    def seen(self, message: Message) -> str:
        """The values of the named fields."""
        shown = (f"{name}: {', '.join(values(message, name))}" for name in self.fields)
        return "; ".join(shown)

    def clue(self) -> Clue | None:
        """The patterns of one of the fields, all of which are needed."""
        clues = (Clue(Place((name,)), texts) for name, texts in self.fields.items())
        return next(clues, None)


class MailingList(Condition):
    """It came over a mailing list whose List-Id (RFC 2919) fits; `"*"` is any list."""

    depth = "headers"
    table_is_main = True
    texts: Texts

    def holds(self, message: Message) -> bool:
        """True if there is a List-Id and one of the patterns fits it."""
        return fits(self.texts, values(message, "List-Id"))

    def seen(self, message: Message) -> str:
        """The List-Id."""
        return message.header.text("List-Id")

    def clue(self) -> Clue:
        """The patterns, in the List-Id."""
        return Clue(Place(("List-Id",)), self.texts)


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
        return fits(self.texts, [message.text])


class Attachment(Condition):
    """The file name of an attachment fits; `"*"` is any attachment."""

    table_is_main = True
    names: Texts

    def holds(self, message: Message) -> bool:
        """True if one of the patterns fits one of the names."""
        return fits(self.names, message.attachments)

    def seen(self, message: Message) -> str:
        """The names of the attachments."""
        return ", ".join(message.attachments)


class Auto(Condition):
    """A machine has sent it: a list, a bounce, an automatic answer and the like."""

    depth = "headers"

    def holds(self, message: Message) -> bool:
        """True if something tells so."""
        return message.automatic != ""

    def seen(self, message: Message) -> str:
        """What tells so."""
        return message.automatic


def fits(texts: Texts, found: Iterable[str]) -> bool:
    """True if one of the patterns fits one of the texts that were found."""
    return any(text.matches(value) for value in found for text in texts)


def values(message: Message, name: str) -> list[str]:
    """The decoded values of every field of this name."""
    return [field.text for field in message.header.all(name)]


def show_addresses(addresses: Iterable[Address]) -> str:
    """The addresses as a person writes them."""
    shown = (f"{a.name} <{a.address}>" if a.name else a.address for a in addresses)
    return ", ".join(shown)


@hookimpl
def register_conditions(register: RegisterCondition) -> None:
    """Bring the conditions under their names in rule files."""
    register("from", From)
    register("to", To)
    register("cc", Cc)
    register("recipient", Recipient)
    register("subject", Subject)
    register("header", Header)
    register("list", MailingList)
    register("size", Size)
    register("body", Body)
    register("attachment", Attachment)
    register("auto", Auto)
