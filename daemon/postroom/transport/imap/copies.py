"""Copies of messages, found again in the mailbox that is selected.

After a break nobody knows whether a COPY was done: only a look at its target tells. A
message is taken for a copy when fingerprint and header are the same; a message that
only looks alike would cost the other one its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from postroom.errors import PermanentError
from postroom.mail.message import Fingerprint, Message
from postroom.ports import Placement
from postroom.transport.imap.filing import Filing
from postroom.transport.imap.messages import Place, headers
from postroom.transport.imap.responses import MONTHS

# So many more messages than are looked for may look like them.
_MOST_ALIKE = 500


async def find_copies(
    filing: Filing, place: Place, messages: Sequence[Message]
) -> dict[int, Placement]:
    """Where the copies of these are in the selected mailbox, by UID of the message.

    Raises `PermanentError` if too many look like them: without a look at each nobody
    knows whether another copy is wanted.
    """
    candidates: set[int] = set()
    for message in messages:
        candidates |= await filing.search(*_looks_like(message))
        if len(candidates) > len(messages) + _MOST_ALIKE:
            raise PermanentError(
                f"whether a copy is in {place.mailbox} can't be told: too many messages"
                " there are of its size and day"
            )
    copies = await headers(filing, place, candidates)
    return dict(_pairs(messages, copies))


def _looks_like(message: Message) -> tuple[bytes, ...]:
    """A search by size and day: nothing that a stranger wrote goes into a command."""
    # RFC 3501, section 6.4.4: the day is the server's own, in a zone nobody tells.
    day = message.received.toordinal()
    return (
        b"SINCE %s BEFORE %s" % (_written(day - 1), _written(day + 2)),
        b"LARGER %d SMALLER %d" % (max(0, message.size - 1), message.size + 1),
    )


def _written(ordinal: int) -> bytes:
    day = date.fromordinal(min(max(1, ordinal), date.max.toordinal()))
    return f"{day.day}-{MONTHS[day.month - 1]}-{day.year:04}".encode()


def _pairs(
    messages: Iterable[Message], copies: Iterable[Message]
) -> Iterator[tuple[int, Placement]]:
    """Each message with a copy of its own, as long as there are any."""
    unclaimed: defaultdict[Fingerprint, list[Message]] = defaultdict(list)
    for copy in copies:
        unclaimed[copy.fingerprint].append(copy)
    for message in messages:
        alike = unclaimed[message.fingerprint]
        same = [copy for copy in alike if copy.header == message.header]
        if same:
            alike.remove(same[0])
            key = same[0].key
            yield message.key.uid, Placement(key.mailbox, key.uidvalidity, key.uid)
