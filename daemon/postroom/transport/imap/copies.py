"""Copies of messages, found again in another mailbox.

After a break nobody knows whether a COPY was done: only a look at its target tells. A
message is taken for a copy when fingerprint and header are the same, and it came after
the command was given: one that only looks alike, or a twin that lay there before, would
cost the other one its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from postroom.errors import AbsentMailbox, PermanentError
from postroom.mail.message import Fingerprint, Message
from postroom.ports import Extent, Placement, Resumed
from postroom.transport.imap.connection import Connection
from postroom.transport.imap.directory import Target
from postroom.transport.imap.filing import Filing
from postroom.transport.imap.messages import Place, headers
from postroom.transport.imap.responses import MONTHS
from postroom.transport.imap.selection import selection

# So many more messages than are looked for may look like them.
_MOST_ALIKE = 500


@dataclass(frozen=True)
class Sought:
    """A message of which a copy came, if at all, after its target had this extent."""

    message: Message
    since: Extent

    @property
    def uid(self) -> int:
        """The UID of the message."""
        return self.message.key.uid

    def may_be(self, copy: Message) -> bool:
        """True if this is a copy, by all that can be told of it."""
        same = copy.header == self.message.header
        return same and copy.key.uid >= self.since.uidnext


def recognisable(
    messages: Iterable[Message], begun: Mapping[int, Extent | None]
) -> list[Sought]:
    """Those of which a copy can be told from what lay in the target before."""
    # Without a Message-ID two messages of a program are too easily alike.
    named = ((each, begun[each.key.uid]) for each in messages if each.message_id)
    return [Sought(each, since) for each, since in named if since is not None]


async def look_into(
    connection: Connection, account: str, target: Target, sought: Sequence[Sought]
) -> Resumed:
    """Select this mailbox, and find copies there.

    Raises `PermanentError` if too many look like them: without a look at each nobody
    knows whether another copy is wanted.
    """
    try:
        exchange = await connection.directory.run("EXAMINE", target.name)
        with connection.reading():
            place = Place(account, target.name, selection(exchange).uidvalidity)
    except AbsentMailbox:
        return Resumed()
    except PermanentError:  # it is not ours to read
        return Resumed(doubtful=frozenset(each.uid for each in sought))
    anew = (None, place.uidvalidity)
    known = [each for each in sought if each.since.uidvalidity in anew]
    copies = await _find_copies(Filing(connection), place, known)
    # Where UIDs were given anew meanwhile, nothing tells what came later.
    lost = {each.uid for each in sought} - {each.uid for each in known}
    return Resumed(copies, frozenset(lost))


async def _find_copies(
    filing: Filing, place: Place, sought: Sequence[Sought]
) -> dict[int, Placement]:
    candidates: set[int] = set()
    for each in sought:
        candidates |= await _alike(filing, each)
        if len(candidates) > len(sought) + _MOST_ALIKE:
            raise PermanentError(
                f"whether a copy is in {place.mailbox} can't be told: too many messages"
                " there are of its size and day"
            )
    copies = await headers(filing, place, candidates)
    return dict(_pairs(sought, copies))


async def _alike(filing: Filing, sought: Sought) -> set[int]:
    lowest = sought.since.uidnext
    found = await filing.search(*_looks_like(sought.message), b"UID %d:*" % lowest)
    # RFC 3501, section 6.4.8: `*` alone may lie below, and is always found.
    return {uid for uid in found if uid >= lowest}


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
    sought: Iterable[Sought], copies: Iterable[Message]
) -> Iterator[tuple[int, Placement]]:
    """Each message with a copy of its own, as long as there are any."""
    unclaimed: defaultdict[Fingerprint, list[Message]] = defaultdict(list)
    for copy in copies:
        unclaimed[copy.fingerprint].append(copy)
    for each in sought:
        alike = unclaimed[each.message.fingerprint]
        if same := [copy for copy in alike if each.may_be(copy)]:
            alike.remove(same[0])
            key = same[0].key
            yield each.uid, Placement(key.mailbox, key.uidvalidity, key.uid)
