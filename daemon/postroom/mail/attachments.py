"""The attachments of a message, by the names that their sender gave them."""

from __future__ import annotations

from postroom.mail.charset import one_line
from postroom.mail.composed import compose
from postroom.mail.encodedword import decode_words
from postroom.mail.parameters import read_parameters
from postroom.mail.parts import Part, walk_parts


def attachment_names(raw: bytes) -> tuple[str, ...]:
    """The decoded file names of the attachments, each on one line, in their order.

    An attachment is a part that is marked as one or has a file name; without a name it
    is the empty text. Those of a message that is inside count as well. No more parts
    are looked at than the limits allow.
    """
    named = ((part, _read_name(part)) for part in walk_parts(raw, enclosed=True))
    return tuple(name for part, name in named if name or part.is_attachment)


def _read_name(part: Part) -> str:
    """The file name (RFC 2183), or what older writers put into the Content-Type."""
    given = (read_parameters(value).get("filename") for value in part.dispositions)
    name = next(filter(None, given), "") or part.parameters.get("name", "")
    # RFC 2047, section 5 forbids encoded words here; many writers use them.
    return compose(one_line(decode_words(name)))
