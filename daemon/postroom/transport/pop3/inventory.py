"""What a maildrop holds now, by UID: what it lists, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from postroom.ports import Item, Listed


@dataclass
class Inventory:
    """The messages of a maildrop in one session, by UID.

    `stored` are those that are here and need not be retrieved again, `fresh` of these
    the ones that came in this session, and `unhandled` the ones that came in others and
    that nobody has looked at; `void` are UIDs of which it turned out that their
    messages have others. With `doubt` what would go out of new messages waits for the
    owner, who is told that.
    """

    uidvalidity: int
    listed: dict[int, Listed] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)  # by number
    stored: set[int] = field(default_factory=set)
    fresh: set[int] = field(default_factory=set)
    unhandled: frozenset[int] = frozenset()
    void: set[int] = field(default_factory=set)
    doubt: str = ""

    def add(self, listing: Iterable[Listed], items: Mapping[int, Item]) -> None:
        """Enter the messages whose numbers have items."""
        for each in listing:
            if each.number in items:
                item = items[each.number]
                self.listed[item.uid], self.items[each.number] = each, item
                if item.stored:
                    self.stored.add(item.uid)

    def of(self, listed: Listed) -> Item:
        """What is remembered of this message."""
        return self.items[listed.number]

    def note_stored(self, uids: Iterable[int], void: Iterable[int]) -> None:
        """Note that these are here now, and which of them are void."""
        stored = set(uids)
        self.stored |= stored
        self.fresh |= stored
        self.void.update(void)

    def unstored(self, uids: Iterable[int]) -> list[int]:
        """Those of these that are there and not here yet."""
        passed = self.stored | self.void
        return [uid for uid in uids if uid in self.listed and uid not in passed]

    def retrievable(self, uids: Iterable[int]) -> list[int]:
        """Those of these that are there, not here yet, and end no connection."""
        there = self.unstored(uids)
        return [uid for uid in there if not self.of(self.listed[uid]).is_broken]

    def lose(self, uids: Iterable[int]) -> None:
        """Note that these were stored, and are not here any more: what was not handled
        is retrieved again."""
        self.stored.difference_update(uids)
