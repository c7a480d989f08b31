"""Change flags, and believe the server when it tells that it did not keep them.

Some answer OK to a STORE and forget the flag at once. What the server told nothing
about counts as kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from postroom.errors import PermanentError
from postroom.rules.effects import SetFlags
from postroom.transport.imap.fetching import Items
from postroom.transport.imap.filing import Filing
from postroom.transport.imap.tokens import text, words
from postroom.transport.imap.wire import flag

_ADD, _REMOVE = b"+FLAGS", b"-FLAGS"


async def mark(
    filing: Filing, uids: Collection[int], change: SetFlags
) -> frozenset[int]:
    """Change flags with one STORE a direction; the UIDs that were there and kept them.

    Raises `PermanentError` where all that are there refuse: what is left out beside
    others that kept the change has that coming when it is tried again.
    """
    if not (change.add or change.remove):
        return await filing.present(uids)
    there: set[int] = set()
    unkept: dict[int, set[str]] = {}
    for direction, flags in ((_ADD, change.add), (_REMOVE, change.remove)):
        if flags:
            told = await filing.store(uids, direction, _flag_list(flags))
            doubtful = _unchanged(told, direction, flags)
            # Another program may have been at it, and the answer may be about that.
            asked = await filing.fetch(doubtful, b"(UID FLAGS)")
            there |= told.keys() - (doubtful.keys() - asked.keys())
            for uid, wrong in _unchanged(asked, direction, flags).items():
                unkept.setdefault(uid, set()).update(wrong)
    if unkept and unkept.keys() >= there:
        raise PermanentError(_tell(unkept.values(), change))
    return frozenset(there - unkept.keys())


def _unchanged(
    told: dict[int, Items], direction: bytes, flags: Iterable[str]
) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for uid, items in told.items():
        if isinstance(items.get("FLAGS"), tuple):
            now = {text(word).lower() for word in words(items["FLAGS"])}
            wrong = {
                each
                for each in flags
                if (each.lower() in now) == (direction == _REMOVE)
            }
            if wrong:
                found[uid] = wrong
    return found


def _tell(unkept: Iterable[Collection[str]], change: SetFlags) -> str:
    flags = set().union(*unkept)
    if lost := sorted(flags & change.add):
        return f"the server did not keep the flag {', '.join(lost)}"
    left = sorted(flags & change.remove)
    return f"the server did not take away the flag {', '.join(left)}"


def _flag_list(flags: Iterable[str]) -> bytes:
    return b"(%s)" % b" ".join(sorted(map(flag, flags)))
