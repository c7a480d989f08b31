"""Whatever a maildrop does and wherever the daemon ends: each message is processed, and
none is processed twice."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.store.visiting import Daemon, Ended, Mail, Quit, Server

STEPS = st.none() | st.integers(0, 30)
ENDS = st.sampled_from(Quit)
PICKS = st.integers(0, 99)


class Maildrop(RuleBasedStateMachine):
    """A model of what was delivered, beside what the daemon has processed.

    An equal message is another only as far as anybody can tell: it comes while the
    first one is there, or once the server has said that that one is gone.
    """

    named: bool

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.daemon = Daemon(Path(self.folder.name) / "state" / "postroom.db")
        self.server = Server(self.named)
        self.delivered: Counter[str] = Counter()
        self.unsure: set[str] = set()  # texts of which one left and nobody said so
        self.removed: list[Mail] = []  # those that the server has said to be gone
        self.free_names: list[str] = []  # that only removed ones have had
        self.latest: set[str] = set()  # texts of those, since the last listing

    def teardown(self) -> None:
        """Visit a maildrop that behaves well, twice."""
        with self.folder, closing(self.daemon):
            self.server.is_empty = False
            for _ in range(2):
                self.visit(Quit.DONE, None)

    # -- mail

    @rule()
    def arrives(self) -> None:
        """A message that is like no other."""
        text = f"text {sum(self.delivered.values())}"
        self._deliver(Mail(text, self.server.name()))

    @precondition(lambda self: self.server.mails)
    @rule(pick=PICKS)
    def comes_twice(self, pick: int) -> None:
        """One equal to one that is there."""
        text = self.server.mails[pick % len(self.server.mails)].text
        if text not in self.unsure:
            self._deliver(Mail(text, self.server.name()))

    @precondition(lambda self: self.removed)
    @rule(pick=PICKS)
    def comes_again(self, pick: int) -> None:
        """One equal to one that was removed."""
        text = self.removed[pick % len(self.removed)].text
        is_told = self.named and not self.server.is_blurred
        if text not in self.unsure and (is_told or text not in self.latest):
            self._deliver(Mail(text, self.server.name()))

    @precondition(lambda self: self.named and self.free_names)
    @rule()
    def has_an_old_name(self) -> None:
        """Another one by the name of one that was removed."""
        name = self.free_names.pop()
        self._deliver(Mail(f"text {sum(self.delivered.values())}", name))

    @precondition(lambda self: self.server.mails)
    @rule(pick=PICKS)
    def is_deleted(self, pick: int) -> None:
        """A person deletes one that was processed."""
        mail = self.server.mails[pick % len(self.server.mails)]
        if self.daemon.processed[mail.text] == self.delivered[mail.text]:
            self.server.remove([mail])
            self.unsure.add(mail.text)

    # -- tricks

    @precondition(lambda self: not self._keeps())
    @rule()
    def renumbers(self) -> None:
        """Every message gets another name."""
        for mail in self.server.mails:
            mail.name = self.server.name()

    @rule()
    def measures_otherwise(self) -> None:
        """Every message is listed with another size."""
        self.server.size += 1

    @precondition(lambda self: not self._keeps())
    @rule()
    def shows_nothing(self) -> None:
        """At the next visit nothing is listed."""
        self.server.is_empty = True

    @precondition(lambda self: not self._keeps() and not self._has_latest())
    @rule()
    def blurs(self) -> None:
        """At the next visit every second message has no name."""
        self.server.is_blurred = True

    # -- the daemon

    @rule(end=ENDS, steps=STEPS)
    def visit(self, end: Quit, steps: int | None) -> None:
        """The daemon visits, and may come to its end on the way."""
        before = list(self.server.mails)
        was_shown = not self.server.is_empty
        if end is Quit.KEPT and self.server.is_blurred:
            end = Quit.UNDONE
        removed: list[Mail] = []
        try:
            removed = list(self.daemon.visit(self.server, end, steps))
        except Ended:
            self.daemon.restart()
        else:
            self.latest = set()
            if was_shown:
                self._all_are_processed()
        self._note_gone(before, removed)
        self._none_is_processed_twice()
        self.server.is_empty = self.server.is_blurred = False

    @rule()
    def logs_in_otherwise(self) -> None:
        """The owner writes the server's name otherwise, and the daemon begins anew."""
        self.daemon.log_in_otherwise()

    @rule()
    def restarts(self) -> None:
        """The daemon ends between two visits."""
        self.daemon.restart()

    # -- what is told

    def _deliver(self, mail: Mail) -> None:
        self.server.mails.append(mail)
        self.delivered[mail.text] += 1

    def _keeps(self) -> bool:
        return any(each.kept for each in self.server.mails)

    def _has_latest(self) -> bool:
        """True if only its name tells one from another that was removed just now."""
        return any(each.text in self.latest for each in self.server.mails)

    def _note_gone(self, before: list[Mail], removed: list[Mail]) -> None:
        gone = [each for each in before if each not in self.server.mails]
        self.unsure |= {each.text for each in gone if each not in removed}
        left = [each for each in gone if each in removed]
        self.removed += left
        self.free_names += [each.name for each in left]
        self.latest |= {each.text for each in removed}

    def _all_are_processed(self) -> None:
        assert self.daemon.processed == self.delivered

    def _none_is_processed_twice(self) -> None:
        assert self.daemon.processed <= self.delivered


class NamedMaildrop(Maildrop):
    """A maildrop with unique-ids."""

    named = True


class NamelessMaildrop(Maildrop):
    """A maildrop without."""

    named = False


FEW = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_with_unique_ids_each_message_is_processed_once() -> None:
    run_state_machine_as_test(NamedMaildrop, settings=FEW)


def test_without_unique_ids_as_many_are_processed_as_came() -> None:
    run_state_machine_as_test(NamelessMaildrop, settings=FEW)
