"""Whatever befalls the daemon, its servers and its clock: no letter is lost, nothing is
done twice, and what was there before is left alone."""

from __future__ import annotations

import logging
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from postroom.rules.rule import Rule
from tests.model.daemon import Daemon
from tests.model.life import WorldClock
from tests.model.oracle import Oracle
from tests.model.relay import Answer, RelayServer
from tests.model.rulefile import KINDS, RuleFile
from tests.model.server import Letter, MailServer


@dataclass(frozen=True)
class Visit:
    """One look of the daemon: how many steps it lives, and again after each end; how
    many words the connection lasts; what the relay answers; how long it is till the
    next step."""

    lives: Sequence[int] = ()
    words: int | None = None
    answers: Sequence[Answer] = ()
    minutes: int = 0


VISITS = st.builds(
    Visit,
    lives=st.just([]) | st.lists(st.integers(0, 70), min_size=1, max_size=3),
    words=st.none() | st.integers(0, 25),
    answers=st.lists(st.sampled_from(Answer), max_size=3),
    minutes=st.sampled_from([0, 1, 10, 90, 1500, 11000]),
)
PICKS = st.integers(0, 99)
LETTERS = st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)
SENDERS = st.sampled_from(["ann@example.org", "bob@example.org"])
EDITS = (RuleFile.renamed, RuleFile.reworded, RuleFile.turned)
# Bookmarks allow for so much between the server's clock and the daemon's.
_SKEW = timedelta(minutes=5)
_OLD = timedelta(hours=1)


class Mail(RuleBasedStateMachine):
    """Letters come, people and servers do what they do, and a daemon handles it all."""

    daemon: Daemon

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        path = Path(self.folder.name) / "state" / "postroom.db"
        self.clock = WorldClock()
        self.mail = MailServer()
        self.relay = RelayServer()
        self.oracle = Oracle(path, self.mail, self.relay)
        self.file = RuleFile()
        self.is_bad = False
        self.count = 0

    @initialize(kinds=st.lists(st.sampled_from(KINDS), max_size=2), moves=st.booleans())
    def begins(self, kinds: list[str], moves: bool) -> None:
        """The daemon meets a mailbox with letters in it, for the first time."""
        self.mail.moves = moves
        for kind in kinds:
            self.oracle.there.append(self._put(kind, "old@example.org", _OLD))
        parts = (self.clock, self.mail, self.relay, self._rules())
        self.daemon = Daemon(self.oracle.path, *parts)
        self.daemon.visit([], None)

    def teardown(self) -> None:
        """Let faults stop, and see how it all ends."""
        if not hasattr(self, "daemon"):
            return
        with self.folder, closing(self.daemon):
            self.is_bad = self.relay.is_down = False
            self.relay.answers.clear()
            self.clock.ahead = timedelta(0)
            self.daemon.restart()
            for _ in range(6):
                self.daemon.release_all()
                self.clock.passed += timedelta(hours=30)
                self.daemon.visit([], None)
            self.oracle.check_end()

    @invariant()
    def holds(self) -> None:
        """What must hold at any time."""
        self.oracle.check_always()

    # -- mail

    @rule(kinds=LETTERS, sender=SENDERS, visit=VISITS)
    def letters_come(self, kinds: list[str], sender: str, visit: Visit) -> None:
        """And are looked at."""
        for kind in kinds:
            self.clock.passed += timedelta(seconds=1)
            self.oracle.letters.append(self._put(kind, sender))
        self.daemon_looks(visit)

    @rule(visit=VISITS)
    def daemon_looks(self, visit: Visit) -> None:
        """It handles what is there, and may come to its end on the way."""
        self.relay.answers = list(visit.answers)
        self.daemon.visit(visit.lives, visit.words)
        self.clock.passed += timedelta(minutes=visit.minutes)

    @precondition(lambda self: self.mail.inbox.mail)
    @rule(pick=PICKS, forever=st.booleans())
    def person_takes_out(self, pick: int, forever: bool) -> None:
        """One letter, for good or to another mailbox."""
        letter = self._take_out(pick)
        if not forever:
            self.mail.boxes["Elsewhere"].put(letter)

    @precondition(lambda self: self.mail.boxes["Elsewhere"].mail)
    @rule(visit=VISITS)
    def person_puts_back(self, visit: Visit) -> None:
        """The last of them; it has arrived then, if the daemon never knew it."""
        _, letter = self.mail.boxes["Elsewhere"].mail.popitem()
        self.mail.inbox.put(letter)
        self.oracle.note_put_back(letter)
        self.daemon_looks(visit)

    @precondition(lambda self: self._may_be_numbered_anew())
    @rule(visit=VISITS)
    def server_numbers_anew(self, visit: Visit) -> None:
        """It has lost the UIDs of the mailbox."""
        self.mail.inbox.number_anew()
        self.daemon_looks(visit)

    @rule(is_down=st.booleans())
    def relay_is_down(self, is_down: bool) -> None:
        """Nobody reaches it, or everybody does."""
        self.relay.is_down = is_down

    @rule(hours=st.sampled_from([-24, -1, 0, 0, 1, 24]))
    def clock_is_set(self, hours: int) -> None:
        """To a wrong time, or right again."""
        self.clock.ahead = timedelta(hours=hours)

    # -- the owner

    @rule(edit=st.sampled_from(EDITS))
    def rules_are_edited(self, edit: Callable[[RuleFile], RuleFile]) -> None:
        """And read anew."""
        self.file = edit(self.file)
        self.daemon.change_rules(self._rules())

    @rule(pick=PICKS, is_bad=st.booleans())
    def rules_are_paused_or_fail(self, pick: int, is_bad: bool) -> None:
        """One is paused, and one fails at poison."""
        rules = self.daemon.rules
        self.daemon.pause(rules[pick % len(rules)].name)
        self.is_bad = is_bad

    @rule(is_bad=st.booleans(), visit=VISITS)
    def all_is_released(self, is_bad: bool, visit: Visit) -> None:
        """Rules, and what is in quarantine; what failed may be mended, or not."""
        self.is_bad = is_bad
        self.daemon.release_all()
        self.daemon_looks(visit)

    @rule()
    def daemon_restarts(self) -> None:
        """Between two visits."""
        self.daemon.restart()

    # -- what is told

    def _rules(self) -> tuple[Rule, ...]:
        return self.file.rules(lambda: self.is_bad)

    def _put(self, kind: str, sender: str, age: timedelta = timedelta(0)) -> Letter:
        self.count += 1
        received = self.clock.true() - age
        letter = Letter(f"l{self.count:04}", kind, sender, received)
        self.mail.inbox.put(letter)
        return letter

    def _take_out(self, pick: int) -> Letter:
        inbox = self.mail.inbox.mail
        uid = sorted(inbox)[pick % len(inbox)]
        self.oracle.disturbed.add(inbox[uid])
        return inbox.pop(uid)

    def _may_be_numbered_anew(self) -> bool:
        """False if the clock was so wrong at the last look that what is new then can't
        be told from what is old."""
        checked = self.daemon.checked() - _SKEW
        letters = self.mail.inbox.mail.values()
        new = [each for each in letters if each not in self.oracle.there]
        return all(each.received >= checked for each in new) and all(
            each.received < checked for each in self.oracle.there
        )


def _settings(examples: int) -> settings:
    """So many examples; without a number a few short ones, and a failure is told as it
    is found: making it shorter takes minutes."""
    quick = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(
        max_examples=examples or 12,
        phases=tuple(Phase) if examples else quick,
        stateful_step_count=60 if examples else 25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def test_no_letter_is_lost_and_nothing_is_done_twice() -> None:
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    number = int(os.environ.get("MODEL_SEED", "0")) or random.getrandbits(32)
    print(f"MODEL_SEED={number}")
    examples = int(os.environ.get("MODEL_EXAMPLES", "0"))
    run_state_machine_as_test(seed(number)(Mail), settings=_settings(examples))
