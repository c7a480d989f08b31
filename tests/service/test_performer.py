"""Performing: at least once, tried again, and one plugin's trouble is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.hooks.leash import Leash
from postroom.hooks.plugins import Registered
from postroom.mail.message import Message
from postroom.ports import HoldKind
from postroom.rules.action import Action
from postroom.rules.effects import Effect, Perform
from postroom.rules.rule import NamedAction, Rule
from postroom.rules.services import Services
from postroom.service.door import Door
from postroom.service.performer import Performer
from tests.builders import make_raw
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import AtDesk, Desk

Work = Callable[[str, Services], Awaitable[None]]


class Tell(Action):
    """Have the test do something."""

    work: ClassVar[Work]
    text: str

    def effects(self, message: Message) -> list[Effect]:
        """One thing to perform."""
        return [Perform(f"{self.text} {message.subject}", needs_bytes=True)]

    async def perform(self, payload: str, services: Services) -> None:
        """What the test wants."""
        await type(self).work(payload, services)


class TellElsewhere(Tell):
    """The same in another plugin."""


@dataclass
class Place:
    """A performer at a desk, and what it performed."""

    desk: Desk
    mailbox: MemoryMailbox
    done: list[str] = field(default_factory=list)
    settled: list[object] = field(default_factory=list)
    door: Door = field(default_factory=Door)

    async def handle(self, *rules: Rule) -> None:
        """Have the rules decide about a message."""
        self.mailbox.put(make_raw(subject=str(len(self.mailbox.mail))))
        await self.desk.processor(*rules).catch_up(self.mailbox)

    def performer(self, **actions: type[Tell]) -> Performer:
        """A performer that has these actions."""
        known = {name: Registered(name, a, f"by {name}") for name, a in actions.items()}
        return Performer(
            self.desk.store,
            self.desk.clock,
            known,
            self.desk.provision().services,
            Leash(grace=0.05),
            self.settled.append,
            lambda: 0.5,
            self.door,
        )

    def effect(self) -> tuple[str, str]:
        """State and detail of the perform."""
        (found,) = [row[2:] for row in self.desk.effects() if row[1] == "perform"]
        return found


def tell_rule(
    action: type[Tell] = Tell, name: str = "tell", *more: NamedAction
) -> Rule:
    """A rule that has this performed."""
    return Rule(name, then=(NamedAction(name, action(text="Hello"), "acme"), *more))


@pytest.fixture
def at_place(at_desk: AtDesk) -> Callable[[Callable[[Place], Awaitable[None]]], None]:
    """Runs steps at a place, whose actions note what they perform."""

    def run(steps: Callable[[Place], Awaitable[None]]) -> None:
        async def at(desk: Desk, mailbox: MemoryMailbox) -> None:
            place = Place(desk, mailbox)

            async def note(payload: str, services: Services) -> None:
                assert services.content is not None
                place.done.append(f"{payload} {services.key[:2]}")

            Tell.work = TellElsewhere.work = staticmethod(note)
            await steps(place)

        at_desk(at)

    return run


AtPlace = Callable[[Callable[[Place], Awaitable[None]]], None]


def test_it_is_performed_with_its_payload_octets_and_key(at_place: AtPlace) -> None:
    async def steps(place: Place) -> None:
        await place.handle(tell_rule())
        assert place.effect() == ("planned", "")
        await place.performer(tell=Tell).drain()
        assert place.effect() == ("done", "")
        (told,) = place.done
        assert told.startswith("Hello 0 ")

    at_place(steps)


def test_the_message_is_not_removed_before(at_place: AtPlace) -> None:
    from postroom_filing import Delete as DeleteAction

    async def steps(place: Place) -> None:
        forever = DeleteAction.model_validate("forever")
        await place.handle(tell_rule(Tell, "tell", NamedAction("delete", forever)))
        assert list(place.mailbox.mail) == [1]
        await place.performer(tell=Tell).drain()
        assert place.settled[-1] == frozenset({("home", "INBOX")})
        await place.desk.processor().catch_up(place.mailbox)
        assert place.mailbox.mail == {}

    at_place(steps)


def test_what_fails_for_now_is_tried_again_and_what_fails_for_good_is_not(
    at_place: AtPlace,
) -> None:
    async def steps(place: Place) -> None:
        answers = [TemporaryError("busy"), ValueError("oops"), PermanentError("no")]

        async def fail(payload: str, services: Services) -> None:
            place.done.append(services.key)
            raise answers[len(place.done) - 1]

        Tell.work = staticmethod(fail)
        await place.handle(tell_rule())
        performer = place.performer(tell=Tell)
        await performer.drain()
        assert place.effect() == ("planned", "busy")
        await performer.drain()
        assert len(place.done) == 1
        place.desk.clock.ahead += timedelta(minutes=2)
        await performer.drain()
        state, detail = place.effect()
        assert state == "planned"
        assert detail.startswith("by tell: performing tell: ValueError: oops (test_")
        place.desk.clock.ahead += timedelta(minutes=10)
        await performer.drain()
        assert place.effect() == ("failed", "no")
        assert len(set(place.done)) == 1

    at_place(steps)


def test_after_a_day_it_is_given_up(at_place: AtPlace) -> None:
    async def steps(place: Place) -> None:
        async def fail(payload: str, services: Services) -> None:
            place.done.append(payload)
            raise TemporaryError("busy")

        Tell.work = staticmethod(fail)
        await place.handle(tell_rule())
        performer = place.performer(tell=Tell)
        for _ in range(60):
            await performer.drain()
            place.desk.clock.ahead += timedelta(hours=1)
        assert place.effect() == ("failed", "busy")
        assert 20 < len(place.done) < 30

    at_place(steps)


def test_without_its_plugin_it_is_held_and_released_with_it(at_place: AtPlace) -> None:
    async def steps(place: Place) -> None:
        await place.handle(tell_rule())
        await place.performer().drain()
        state, detail = place.effect()
        assert state == "held"
        assert detail == "no plugin brings the action 'tell' any more"
        await place.desk.store.release(HoldKind.RULE, "tell")
        await place.performer(tell=Tell).drain()
        assert place.effect()[0] == "done"

    at_place(steps)


def test_nothing_is_performed_while_the_door_is_closed(at_place: AtPlace) -> None:
    async def steps(place: Place) -> None:
        place.door.is_open = False
        await place.handle(tell_rule())
        await place.performer(tell=Tell).drain()
        assert (place.done, place.effect()[0]) == ([], "planned")

    at_place(steps)


def test_a_plugin_that_hangs_delays_its_own_alone(at_place: AtPlace) -> None:
    async def steps(place: Place) -> None:
        told, hung, never = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def hang(payload: str, services: Services) -> None:
            hung.set()
            await never.wait()

        async def tell(payload: str, services: Services) -> None:
            told.set()

        Tell.work, TellElsewhere.work = staticmethod(hang), staticmethod(tell)
        await place.handle(tell_rule(), tell_rule(TellElsewhere, "elsewhere"))
        performer = place.performer(tell=Tell, elsewhere=TellElsewhere)
        running = asyncio.create_task(performer.run())
        async with asyncio.timeout(20):
            await hung.wait()
            await told.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        # A stop is no beginning without an end, and it is done again after a restart.
        due, *_ = await place.desk.store.due_performs(place.desk.clock.now(), 9)
        assert (due.attempts, due.begun) == (1, 0)

    at_place(steps)


def test_what_was_refused_and_then_cut_off_once_is_not_given_up(
    at_place: AtPlace,
) -> None:
    async def steps(place: Place) -> None:
        async def refuse(payload: str, services: Services) -> None:
            raise TemporaryError("503")

        Tell.work = staticmethod(refuse)
        await place.handle(tell_rule())
        performer = place.performer(tell=Tell)
        for _ in range(3):
            await performer.drain()
            place.desk.clock.ahead += timedelta(hours=1)
        (due,) = await place.desk.store.due_performs(place.desk.clock.now(), 9)
        assert (due.attempts, due.begun) == (3, 0)
        assert await place.desk.store.begin_perform(due.id)  # and it is killed
        await place.performer(tell=Tell).drain()
        assert place.effect()[0] == "planned", "it is tried again"

    at_place(steps)


def test_what_comes_in_while_it_runs_is_performed(
    at_place: AtPlace, tmp_path: Path
) -> None:
    async def steps(place: Place) -> None:
        told = asyncio.Event()

        async def tell(payload: str, services: Services) -> None:
            told.set()

        Tell.work = staticmethod(tell)
        performer = place.performer(tell=Tell)
        running = asyncio.create_task(performer.run())
        await asyncio.sleep(0)
        await place.handle(tell_rule())
        performer.ring()
        async with asyncio.timeout(20):
            await told.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    at_place(steps)


def test_hundreds_are_each_performed_once(at_place: AtPlace) -> None:
    """What ends while more is read is not begun a second time."""

    async def steps(place: Place) -> None:
        count = 700
        place.mailbox.put(*(make_raw(subject=str(n)) for n in range(count)))
        processor = place.desk.processor(tell_rule())
        await processor.catch_up(place.mailbox)
        enough = asyncio.Event()

        async def tell(payload: str, services: Services) -> None:
            place.done.append(payload)
            performer.ring()
            if len(place.done) == count:
                enough.set()

        Tell.work = staticmethod(tell)
        performer = place.performer(tell=Tell)
        running = asyncio.create_task(performer.run())
        async with asyncio.timeout(50):
            await enough.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert sorted(place.done) == sorted({f"Hello {n}" for n in range(count)})

    at_place(steps)


def test_what_was_begun_three_times_and_never_ended_is_held(at_place: AtPlace) -> None:
    """It is what ends the process: every start would begin it again."""

    async def steps(place: Place) -> None:
        await place.handle(tell_rule())
        (due,) = await place.desk.store.due_performs(place.desk.clock.now(), 9)
        for _ in range(3):
            assert await place.desk.store.begin_perform(due.id)
        await place.performer(tell=Tell).drain()
        assert place.effect() == ("held", "it was begun 3 times and never ended")
        assert place.done == []
        await place.desk.store.release(HoldKind.RULE, "tell")
        await place.performer(tell=Tell).drain()
        assert place.effect()[0] == "done"

    at_place(steps)


def test_when_the_door_is_closed_the_next_one_waits(at_place: AtPlace) -> None:
    async def steps(place: Place) -> None:
        async def close(payload: str, services: Services) -> None:
            place.done.append(payload)
            place.door.is_open = False

        Tell.work = staticmethod(close)
        place.mailbox.put(*[make_raw()] * 5)
        await place.desk.processor(tell_rule()).catch_up(place.mailbox)
        performer = place.performer(tell=Tell)
        await performer.drain()
        assert len(place.done) == 1
        place.door.is_open = True
        await performer.drain()
        assert len(place.done) == 2

    at_place(steps)
