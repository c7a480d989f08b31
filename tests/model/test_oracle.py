"""The oracle of the model: whatever is lost, repeated or done too early is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.model.daemon import Daemon
from tests.model.life import WorldClock
from tests.model.oracle import Oracle
from tests.model.relay import Answer, RelayServer
from tests.model.rulefile import RuleFile
from tests.model.server import Letter, MailServer


class World:
    """Servers, a daemon that has looked once, and the oracle of them."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.mail = WorldClock(), MailServer()
        self.relay = RelayServer()
        self.oracle = Oracle(folder / "state" / "postroom.db", self.mail, self.relay)
        rules = RuleFile().rules(lambda: False)
        parts = (self.clock, self.mail, self.relay, rules)
        self.daemon = Daemon(self.oracle.path, *parts)
        self.daemon.visit([], None)

    def arrives(self, kind: str) -> Letter:
        """A letter comes and is handled."""
        name = f"l{len(self.oracle.letters):04}"
        letter = Letter(name, kind, "ann@example.org", self.clock.true())
        self.mail.inbox.put(letter)
        self.oracle.letters.append(letter)
        self.daemon.visit([], None)
        self.oracle.check_end()
        return letter


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world of its own for each test."""
    world = World(tmp_path)
    with closing(world.daemon):
        yield world


def notices(world: World, what: str) -> None:
    """The oracle complains of this."""
    with pytest.raises(AssertionError, match=what):
        world.oracle.check_always()


def test_a_letter_that_is_nowhere_is_lost(world: World) -> None:
    world.arrives("kept")
    world.mail.inbox.mail.clear()
    notices(world, "is lost")


def test_a_letter_that_nobody_handled_is_noticed_at_the_end(world: World) -> None:
    letter = world.arrives("marked")
    letter.flags = frozenset()
    world.oracle.check_always()
    with pytest.raises(AssertionError, match="marked"):
        world.oracle.check_end()


def test_a_second_copy_is_noticed(world: World) -> None:
    letter = world.arrives("copied")
    world.mail.boxes["Copies0"].put(letter)
    notices(world, "twice in Copies")


def test_a_second_forward_is_noticed_but_for_one_that_is_unknown(world: World) -> None:
    world.arrives("passed")
    content = world.relay.offered[0]
    world.relay.take(content, Answer.CUT_TAKEN)
    world.oracle.check_always()
    world.relay.take(content, Answer.TAKEN)
    notices(world, "was sent too often")


def test_a_second_answer_is_noticed_even_where_the_first_is_unknown(
    world: World,
) -> None:
    world.arrives("answered")
    world.relay.take(world.relay.offered[0], Answer.CUT_TAKEN)
    notices(world, "was sent too often")


def test_two_answers_to_one_sender_are_noticed(world: World) -> None:
    first, second = world.arrives("answered"), world.arrives("answered")
    content = world.relay.offered[0].replace(first.name.encode(), second.name.encode())
    world.relay.taken.append(content)
    notices(world, "was answered twice")


def test_other_octets_at_another_attempt_are_noticed(world: World) -> None:
    world.arrives("passed")
    world.relay.begin(
        world.relay.offered[0].replace(b"Message-ID: <", b"Message-ID: <x")
    )
    notices(world, "not sent as it was")


def test_a_header_that_stands_twice_is_noticed(world: World) -> None:
    world.arrives("passed")
    world.relay.offered[:] = [b"Subject: again\r\n" + world.relay.offered[0]]
    notices(world, "subject")


def test_what_is_done_to_old_mail_is_noticed(world: World) -> None:
    world.oracle.there.append(world.arrives("marked"))
    notices(world, "was there before")


def test_what_leaves_too_early_is_noticed(world: World) -> None:
    world.arrives("kept")
    world.mail.guard("expunge", world.mail.inbox.uidvalidity, [1])
    notices(world, "expunge of 1")
