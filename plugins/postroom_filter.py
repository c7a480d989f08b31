"""The conditions on what a message says: its header, its text, its attachments."""

from __future__ import annotations

import re
from functools import cached_property
from typing import ClassVar

from postroom import (
    AddressText,
    AddressTexts,
    AnyOf,
    Clue,
    Condition,
    Message,
    Place,
    RegisterCondition,
    Text,
    Texts,
    hookimpl,
)

# RFC 5322, section 2.2; a * is allowed there, and nobody's.
_FIELD_NAME = re.compile(r"[!-)+-9;-~]{1,200}")


class From(Condition):
    """An address in the From field fits."""

    depth = "headers"
    table_is_main = True
    place: ClassVar[Place] = Place(("From",), addresses=True)
    addresses: AddressTexts

    def holds(self, message: Message) -> bool:
        """True if one of the addresses fits one of the patterns."""
        found = message.header.addresses(*self.place.fields)
        parts = (part for address in found for part in (address.address, address.name))
        likely = self._any_of.likely(parts)
        return any(text.fits(address) for text in likely for address in found)

    def seen(self, message: Message) -> str:
        """The addresses of the field."""
        return message.header.show_addresses(*self.place.fields)

    def clue(self) -> Clue:
        """The patterns, wherever the addresses are."""
        return Clue(self.place, self.addresses)

    @cached_property
    def _any_of(self) -> AnyOf[AddressText]:
        """The patterns."""
        return AnyOf(self.addresses)


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


class OfTexts(Condition):
    """One of several patterns fits a text of the message."""

    table_is_main = True
    texts: Texts

    @cached_property
    def _any_of(self) -> AnyOf[Text]:
        """The patterns."""
        return AnyOf(self.texts)


class Subject(OfTexts):
    """The decoded subject fits."""

    depth = "headers"

    def holds(self, message: Message) -> bool:
        """True if one of the patterns fits."""
        return self._any_of.fits([message.subject])

    def seen(self, message: Message) -> str:
        """The decoded subject."""
        return message.subject

    def clue(self) -> Clue | None:
        """The patterns, unless one fits where there is no subject."""
        if self._any_of.fits([""]):
            return None
        return Clue(Place(("Subject",)), self.texts)


class Header(Condition):
    """Every named field is there and fits; any instance of a field may. `"*"` means
    that it is there."""

    depth = "headers"
    table_is_main = True
    fields: dict[str, Texts]

    def model_post_init(self, context: object) -> None:
        """Refuse what names no field."""
        if not self.fields:
            raise ValueError('expected a field, such as { X-Spam = "yes" }')
        for name in self.fields:
            if not _FIELD_NAME.fullmatch(name):
                nearest = "".join(_FIELD_NAME.findall(name)) or "X-Spam"
                raise ValueError(
                    f"{name!r} is no name of a field: no blank, colon or * stands in "
                    f"one; expected one such as {nearest}"
                )

    def holds(self, message: Message) -> bool:
        """True if for each name one of the patterns fits one of the fields."""
        return all(
            any_of.fits(values(message, name)) for name, any_of in self._any_ofs.items()
        )

    def seen(self, message: Message) -> str:
        """The values of the named fields that are there."""
        found = {name: values(message, name) for name in self.fields}
        shown = (
            f"{name}: {', '.join(texts)}" for name, texts in found.items() if texts
        )
        return "; ".join(shown)

    def clue(self) -> Clue | None:
        """The patterns of one of the fields, all of which are needed."""
        clues = (Clue(Place((name,)), texts) for name, texts in self.fields.items())
        return next(clues, None)

    @cached_property
    def _any_ofs(self) -> dict[str, AnyOf[Text]]:
        """The patterns of each field."""
        return {name: AnyOf(texts) for name, texts in self.fields.items()}


class MailingList(OfTexts):
    """It came over a mailing list whose List-Id (RFC 2919) fits; `"*"` is any list."""

    depth = "headers"

    def holds(self, message: Message) -> bool:
        """True if there is a List-Id and one of the patterns fits it."""
        return self._any_of.fits(values(message, "List-Id"))

    def seen(self, message: Message) -> str:
        """The List-Id."""
        return message.header.text("List-Id")

    def clue(self) -> Clue:
        """The patterns, in the List-Id."""
        return Clue(Place(("List-Id",)), self.texts)


class Body(OfTexts):
    """The readable text of the body fits."""

    def holds(self, message: Message) -> bool:
        """True if one of the patterns fits the decoded text."""
        return self._any_of.fits([message.text])

    def clue(self) -> Clue:
        """The patterns, in the body."""
        return Clue(Place(), self.texts)


class Attachment(OfTexts):
    """The file name of an attachment fits; `"*"` is any attachment."""

    def holds(self, message: Message) -> bool:
        """True if one of the patterns fits one of the names."""
        return self._any_of.fits(message.attachments)

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


def values(message: Message, name: str) -> list[str]:
    """The decoded values of every field of this name."""
    return [field.text for field in message.header.all(name)]


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
    register("body", Body)
    register("attachment", Attachment)
    register("auto", Auto)
