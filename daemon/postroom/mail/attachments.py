"""The attachments of a message, by the names that their sender gave them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from postroom.mail.charset import one_line
from postroom.mail.composed import compose
from postroom.mail.encodedword import decode_words
from postroom.mail.parameters import read_parameters
from postroom.mail.parts import Part, walk_parts

# No encoding of mail makes octets into more than so many times as many: it is
# quoted-printable, three for one, with the ends of its lines.
_GROWTH = 4


@dataclass(frozen=True)
class Attachment:
    """One attachment: its decoded name on one line, empty where it has none."""

    name: str
    part: Part = field(repr=False)

    def read(self, largest: int) -> bytes | None:
        """Its octets as they were before they were encoded, as far as that can be
        undone; None if they are more than `largest`."""
        if len(self.part.encoded) > _GROWTH * (largest + 1):
            return None
        content = self.part.content
        return content if len(content) <= largest else None


def read_attachments(raw: bytes) -> Iterator[Attachment]:
    """The attachments of a message, in their order.

    An attachment is a part that is marked as one or has a file name. Those of a message
    that is inside count as well. No more parts are looked at than the limits allow.
    """
    for part in walk_parts(raw, enclosed=True):
        name = _read_name(part)
        if name or part.is_attachment:
            yield Attachment(name, part)


def attachment_names(raw: bytes) -> tuple[str, ...]:
    """The decoded file names of the attachments, each on one line, in their order."""
    return tuple(attachment.name for attachment in read_attachments(raw))


def _read_name(part: Part) -> str:
    """The file name (RFC 2183), or what older writers put into the Content-Type."""
    given = (read_parameters(value).get("filename") for value in part.dispositions)
    name = next(filter(None, given), "") or part.parameters.get("name", "")
    # RFC 2047, section 5 forbids encoded words here; many writers use them.
    return compose(one_line(decode_words(name)))
