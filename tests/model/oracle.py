"""What must hold of mail, by what the servers hold and have taken, and by the store.

The numbers are those by which the promises are known: what is lost, what is repeated.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path

from tests.model.relay import RelayServer
from tests.model.server import INBOX, Letter, MailServer

# A sender is answered once in seven days; the wall clock may be a day off, twice.
_PERIOD = timedelta(days=5)
_FORWARDS = ("passed", "passed and gone", "all")
_ONE_PLACE = {"filed": "Filed", "deleted": "Trash", "all": "Filed"}
_COPIES = ("copied", "all")
_MARKED = ("marked", "all")

_EFFECTS = """
    SELECT effect.kind, effect.state FROM effect
    JOIN message ON message.id = effect.message
    JOIN mailbox ON mailbox.id = message.mailbox_id
    WHERE mailbox.name = ? AND message.uidvalidity = ? AND message.uid = ?"""
_UNFINISHED = """
    SELECT 'message', state, id FROM message WHERE state IN ('seen', 'decided')
    UNION SELECT 'effect', state, id FROM effect WHERE state IN ('planned', 'doing')
    UNION SELECT 'delivery', state, id FROM delivery
    WHERE state IN ('queued', 'sending', 'delayed')"""
_LEAVING = ("move", "expunge")


@dataclass
class Oracle:
    """Watches the servers from outside. Letters that were `there` before the daemon,
    and those `disturbed` by a person before they were settled, are no arrivals that
    must be handled."""

    path: Path
    mail: MailServer
    relay: RelayServer
    letters: list[Letter] = field(default_factory=list)
    there: list[Letter] = field(default_factory=list)
    disturbed: set[Letter] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mail.guard = self.see_leaving

    def see_leaving(self, verb: str, uidvalidity: int, uids: Collection[int]) -> None:
        """Note it if one of these may not be moved or expunged now (I11)."""
        for uid in uids:
            effects = self._rows(_EFFECTS, INBOX, uidvalidity, uid)
            leaving = [state for kind, state in effects if kind in _LEAVING]
            others = {state for kind, state in effects if kind not in _LEAVING}
            if leaving != ["doing"] or (verb == "expunge" and others - {"done"}):
                self.violations.append(f"{verb} of {uid} while {list(effects)}")

    def note_put_back(self, letter: Letter) -> None:
        """One that the daemon never looked at arrives with this."""
        if letter in self.there:
            self.there.remove(letter)
            self.letters.append(letter)

    # -- after each step ---------------------------------------------------------------

    def check_always(self) -> None:
        """What must hold at any time."""
        assert not self.violations, self.violations
        for letter in self.letters:
            self._is_done_once_at_most(letter)
            self._is_kept(letter)
        for letter in self.there:
            self._is_untouched(letter)
        self._answers_are_few()
        self._octets_are_the_same()

    def _is_done_once_at_most(self, letter: Letter) -> None:
        """I2, I4: no copy is made twice, nothing is sent twice for no reason."""
        for name in ("Copies", "Filed", "Trash"):
            assert self.mail.count(letter, name) <= 1, f"{letter} twice in {name}"
        most = 1 + (self._unknown(letter) if letter.kind in _FORWARDS else 0)
        assert len(self._taken(letter)) <= most, f"{letter} was sent too often"

    def _is_kept(self, letter: Letter) -> None:
        """I3: what left the server is kept there, or all was done."""
        places = sum(self.mail.count(letter, name) for name in self.mail.boxes)
        is_done = letter.kind == "passed and gone" and self._taken(letter)
        assert places or is_done or letter in self.disturbed, f"{letter} is lost"

    def _is_untouched(self, letter: Letter) -> None:
        """I5: nothing is done to what was there before."""
        assert not self._taken(letter), f"{letter} was there before, and was sent"
        assert not letter.flags, f"{letter} was there before, and is marked"
        others = sum(self.mail.count(letter, n) for n in ("Copies", "Filed", "Trash"))
        assert not others, f"{letter} was there before, and was filed"

    def _answers_are_few(self) -> None:
        """I6: no sender is answered twice in a period."""
        for sender in {letter.sender for letter in self.letters}:
            mine = [e for e in self.letters if e.kind == "answered"]
            mine = [each for each in mine if each.sender == sender]
            times = [
                parsedate_to_datetime(message_from_bytes(content)["Date"])
                for content in self.relay.taken
                if any(_is_of(letter, content) for letter in mine)
            ]
            for one, next_one in pairwise(sorted(times)):
                assert next_one - one >= _PERIOD, f"{sender} was answered twice"

    def _octets_are_the_same(self) -> None:
        """I7, I8: each attempt has the octets of the first, and each header once."""
        for letter in self.letters:
            offered = {each for each in self.relay.offered if _is_of(letter, each)}
            assert len(offered) <= 1, f"{letter} was not sent as it was before"
        for content in {*self.relay.offered}:
            names = Counter(map(str.lower, _header_names(content)))
            assert max(names.values()) == 1, names
            assert {"from", "to", "date", "message-id", "subject"} <= {*names}

    # -- at the end --------------------------------------------------------------------

    def check_end(self) -> None:
        """What must hold once faults have stopped (I1): all was handled."""
        self.check_always()
        assert not (rows := self._rows(_UNFINISHED)), rows
        for letter in self.letters:
            if letter not in self.disturbed:
                self._is_done(letter)

    def _is_done(self, letter: Letter) -> None:
        was_refused = any(_is_of(letter, each) for each in self.relay.refused)
        place = _ONE_PLACE.get(letter.kind, INBOX)
        if letter.kind == "passed and gone" and not was_refused:
            place = ""
        for name in (INBOX, "Filed", "Trash"):
            assert self.mail.count(letter, name) == (name == place), (letter, name)
        assert self.mail.count(letter, "Copies") == (letter.kind in _COPIES), letter
        assert ("\\Flagged" in letter.flags) == (letter.kind in _MARKED), letter
        if letter.kind in _FORWARDS and not was_refused:
            assert self._taken(letter), f"{letter} was not sent"

    # -- what is known -----------------------------------------------------------------

    def _taken(self, letter: Letter) -> list[bytes]:
        return [each for each in self.relay.taken if _is_of(letter, each)]

    def _unknown(self, letter: Letter) -> int:
        unknown = self.relay.unknown.items()
        return sum(count for each, count in unknown if _is_of(letter, each))

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        uri = f"file:{self.path}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as base:
            return base.execute(query, values).fetchall()


def _is_of(letter: Letter, content: bytes) -> bool:
    return f"{letter.name}@".encode() in content


def _header_names(content: bytes) -> list[str]:
    return message_from_bytes(content).keys()
