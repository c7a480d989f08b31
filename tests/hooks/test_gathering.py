"""Conditions gather once for a batch, in their time, and hold up nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from postroom import Condition, Message, PermanentError, TemporaryError
from postroom.errors import PluginError
from postroom.hooks.gathering import Failures, gather
from postroom.hooks.leash import Leash
from postroom.rules.logic import Named
from postroom.rules.services import Services
from postroom.testing import SampleServices, make_message


class Gathering(Condition):
    """Gathers in the way that its subclass says."""

    depth = "headers"
    called: ClassVar[list[str]] = []
    name: str = ""

    def holds(self, message: Message) -> bool:
        """True if it has gathered."""
        return bool(message.facts.get(self.name))

    async def gather(self, messages: Sequence[Message], services: Services) -> None:
        """Note that it was called, and put a fact into each message."""
        self.called.append(self.name)
        for message in messages:
            message.facts[self.name] = services.options["greeting"]


class Raising(Gathering):
    """It raises what it is told to."""

    error: Any = None

    async def gather(self, messages: Sequence[Message], services: Services) -> None:
        """Raise it."""
        raise self.error


class Waiting(Gathering):
    """It waits for ever."""

    async def gather(self, messages: Sequence[Message], services: Services) -> None:
        """Wait."""
        await asyncio.Event().wait()


class Stubborn(Gathering):
    """It takes its cancellation for nothing."""

    async def gather(self, messages: Sequence[Message], services: Services) -> None:
        """Wait, whatever comes."""
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.called.append("cancelled")


class Immortal(Gathering):
    """It takes twice whatever comes for nothing."""

    async def gather(self, messages: Sequence[Message], services: Services) -> None:
        """Wait; the third time it lets go, for whoever collects the garbage."""
        for _ in range(3):
            try:
                await asyncio.Event().wait()
            except (asyncio.CancelledError, GeneratorExit) as error:
                self.called.append(type(error).__name__)


@pytest.fixture(autouse=True)
def forget_calls() -> None:
    Gathering.called.clear()


MESSAGES = [make_message(uid=1), make_message(uid=2)]


def services_for(plugin: str) -> Services:
    return SampleServices(options={"greeting": f"from {plugin}"})


def work(*conditions: Named, seconds: float = 10) -> Failures:
    async def run() -> Failures:
        leash = Leash(grace=0.05)
        found = await gather(conditions, MESSAGES, services_for, leash, seconds)
        await leash.close()
        return found

    return asyncio.run(run())


def test_each_condition_gathers_once_with_the_services_of_its_plugin() -> None:
    one = Named("known", Gathering(name="a"), "acme")
    same = Named("known", Gathering(name="a"), "acme")
    other = Named("known", Gathering(name="b"), "acme")
    assert work(one, same, other) == {}
    assert sorted(Gathering.called) == ["a", "b"]
    assert [message.facts for message in MESSAGES] == [
        {"a": "from acme", "b": "from acme"}
    ] * 2


def test_what_fails_is_told_for_each_condition_that_is_the_same() -> None:
    good = Named("good", Gathering(name="a"), "acme")
    bad = Named("bad", Raising(error=LookupError("nothing there")), "acme")
    same = Named("bad", Raising(error=bad.condition.error), "acme")  # type: ignore[attr-defined] # it is one
    failures = work(good, bad, same)
    assert set(failures) == {id(bad.condition), id(same.condition)}
    failure = failures[id(bad.condition)]
    assert isinstance(failure, PluginError)
    assert failure.plugin == "acme"
    assert "LookupError: nothing there" in str(failure)
    assert Gathering.called == ["a"]


@pytest.mark.parametrize("error", [TemporaryError("later"), PermanentError("never")])
def test_what_a_plugin_says_of_itself_is_kept_apart(error: Exception) -> None:
    condition = Named("it", Raising(error=error), "acme")
    assert work(condition) == {id(condition.condition): error}


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (MemoryError(), "MemoryError"),
        (asyncio.CancelledError(), "it cancelled itself"),
        (TimeoutError("mine"), "TimeoutError: mine"),
    ],
)
def test_nothing_that_is_raised_gets_out(error: BaseException, complaint: str) -> None:
    condition = Named("it", Raising(error=error), "acme")
    (failure,) = work(condition).values()
    assert isinstance(failure, PluginError)
    assert complaint in str(failure)


@pytest.mark.parametrize("kind", [Waiting, Stubborn, Immortal])
def test_one_that_hangs_is_given_up_and_the_others_gather(
    kind: type[Gathering],
) -> None:
    begun = time.monotonic()
    hanging = Named("it", kind(), "acme")
    good = Named("good", Gathering(name="a"), "other")

    async def run() -> Failures:
        leash = Leash(grace=0.05)
        return await gather([hanging, good], MESSAGES, services_for, leash, 0.05)

    failures = asyncio.run(run())
    assert list(failures) == [id(hanging.condition)]
    assert "it took longer than 0.05 s" in str(failures[id(hanging.condition)])
    assert "a" in Gathering.called
    assert time.monotonic() - begun < 5


def test_one_that_is_closed_may_be_called_again() -> None:
    async def run() -> list[Failures]:
        leash = Leash(grace=0.05)
        conditions = [Named("it", Stubborn(), "acme")]
        return [
            await gather(conditions, MESSAGES, services_for, leash, 0.05)
            for _ in range(2)
        ]

    told = [str(failure) for each in asyncio.run(run()) for failure in each.values()]
    assert len(told) == 2
    assert all("longer than 0.05 s" in each for each in told)


@pytest.mark.parametrize("kind", [Waiting, Stubborn])
def test_who_is_cancelled_while_a_plugin_gathers_leaves_nothing_behind(
    kind: type[Gathering],
) -> None:
    async def run() -> int:
        conditions = [Named("it", kind(), "acme")]
        leash = Leash(grace=0.05)
        waiting = asyncio.ensure_future(
            gather(conditions, MESSAGES, services_for, leash)
        )
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        await leash.close()
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1
