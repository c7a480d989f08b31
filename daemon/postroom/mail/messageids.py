"""Message-IDs: postroom's own, made from a key, and those a stranger's mail refers to.

Invariant: what is read here may stand in a header as it is.
"""

from __future__ import annotations

import hashlib
import re

from postroom.mail.header import Header

_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,150}@[!-;=?A-~]{1,150}>")
_MADE_HERE = re.compile(r"<[0-9a-f]{26}\.pr@")
_MOST_REFERENCES = 20
_REFERENCES_CHARACTERS = 2048


def make_message_id(key: str, address: str) -> str:
    """The Message-ID of what is made from this key by the owner of this address."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:26]
    return f"<{digest}.pr@{address.rpartition('@')[2]}>"


def is_made_here(message_id: str) -> bool:
    """True of a Message-ID that some postroom has made."""
    return _MADE_HERE.match(message_id) is not None


def answers_what_was_made_here(header: Header) -> bool:
    """True of what says that it answers a message that some postroom has made."""
    fields = [*header.all("In-Reply-To"), *header.all("References")]
    return any(_MADE_HERE.search(entry.raw_text) for entry in fields)


def thread_fields(parent: Header) -> list[tuple[str, str]]:
    """What puts an answer behind its parent (RFC 5322, section 3.6.4); maybe nothing.

    Of a long thread the first message and the last ones are kept.
    """
    answered = _read_ids(parent, "Message-ID")[:1]
    if not answered:
        return []
    before = _read_ids(parent, "References")
    if not before:
        named = _read_ids(parent, "In-Reply-To")
        before = named if len(named) == 1 else []
    references = " ".join(_shorten([*before, *answered]))
    return [("In-Reply-To", answered[0]), ("References", references)]


def _read_ids(header: Header, name: str) -> list[str]:
    """The Message-IDs of a field; one with an encoded word inside is none."""
    found = _MESSAGE_ID.findall(header.raw_text(name))
    return [message_id for message_id in found if "=?" not in message_id]


def _shorten(references: list[str]) -> list[str]:
    first, last = references[:1], references[1:][1 - _MOST_REFERENCES :]
    while len(" ".join([*first, *last])) > _REFERENCES_CHARACTERS:
        last = last[1:]
    return [*first, *last]
