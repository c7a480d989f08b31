"""An action that was planned is made again from its options, and performs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from postroom import Action, Effect, Message, Perform, PermanentError, TemporaryError
from postroom.errors import PluginError
from postroom.hooks.discovery import discover_plugins
from postroom.hooks.leash import Leash
from postroom.hooks.performing import perform
from postroom.hooks.plugins import Registered
from postroom.rules.condition import dump_options
from postroom.rules.options import Texts
from postroom.rules.services import Services
from postroom.testing import SampleServices


class Journal(Action):
    """Appends a line to a file."""

    file: str = "journal"
    before: str = ""
    performed: ClassVar[list[Action]] = []

    def effects(self, message: Message) -> list[Effect]:
        """Have the line appended."""
        return [Perform("line")]

    async def perform(self, payload: str, services: Services) -> None:
        """Append it."""
        await services.files.append(self.file, f"{self.before}{payload}".encode())


class Failing(Journal):
    """Raises what the test put there."""

    error: ClassVar[Any] = None

    async def perform(self, payload: str, services: Services) -> None:
        """Raise it."""
        raise type(self).error


class Hanging(Journal):
    """Waits for ever."""

    async def perform(self, payload: str, services: Services) -> None:
        """Wait."""
        await asyncio.Event().wait()


class Plain(Journal):
    """Its `perform` is no coroutine."""

    def perform(self, payload: str, services: Services) -> None:  # type: ignore[override] # that is what is tried
        """Nothing."""


class Silent(Action):
    """It plans what it can't perform."""

    def effects(self, message: Message) -> list[Effect]:
        """Plan it."""
        return [Perform()]


def work(
    kind: type[Action],
    effect: Perform,
    services: SampleServices | None = None,
    seconds: float = 60,
) -> None:
    registered = Registered("journal", kind, "acme")
    given = services or SampleServices()
    asyncio.run(perform(registered, effect, given, Leash(0.05), seconds))


def test_an_action_performs_with_its_options() -> None:
    services = SampleServices()
    options = dump_options(Journal(file="log", before="> "))
    work(Journal, Perform("hello", options=options), services)
    assert services.files.kept == {"log": b"> hello"}


@pytest.mark.parametrize("error", [TemporaryError("later"), PermanentError("never")])
def test_what_an_action_says_of_itself_is_raised(error: Exception) -> None:
    Failing.error = error
    with pytest.raises(type(error)) as caught:
        work(Failing, Perform())
    assert caught.value is error


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (Failing, "acme: performing journal: ZeroDivisionError"),
        (Plain, "acme: performing journal: TypeError"),
        (Silent, "acme: performing journal: NotImplementedError"),
    ],
)
def test_whatever_else_goes_wrong_names_the_plugin(
    kind: type[Action], complaint: str
) -> None:
    Failing.error = ZeroDivisionError()
    with pytest.raises(PluginError, match=complaint):
        work(kind, Perform())


def test_what_takes_too_long_may_be_tried_again() -> None:
    with pytest.raises(TemporaryError, match=r"it took longer than 0.05 s"):
        work(Hanging, Perform(), seconds=0.05)


def test_options_that_the_plugin_no_longer_has_are_told() -> None:
    with pytest.raises(PluginError, match=r"(?s)its options have changed.*no_such"):
        work(Journal, Perform(options='{"no_such": 1}'))
    with pytest.raises(PluginError, match=r"its options have changed"):
        work(Journal, Perform(options="not JSON"))


class Everything(Action):
    """An action with an option of every kind."""

    as_: str
    texts: Texts = ()
    fields: dict[str, Texts] | None = None
    period: timedelta = timedelta(days=7)
    tags: frozenset[str] = frozenset()
    number: float | None = None

    def effects(self, message: Message) -> list[Effect]:
        """Nothing."""
        return []


class Patterns(Everything):
    """An action whose table is its main option."""

    table_is_main = True
    as_: dict[str, Texts]  # type: ignore[assignment] # another kind of main option


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Journal, {}),
        (Journal, "log"),
        (Everything, "it"),
        (Everything, {"as": "ünï\u2028", "texts": ["a*", "/b/", {"is": "c"}]}),
        (Everything, {"as": "x", "fields": {"X-A": "*"}, "number": 0.1}),
        (Everything, {"as": "x", "period": 90.5, "tags": ["a", "b"]}),
        (Everything, {"as": "x", "texts": {"regex": "a", "case": True}}),
        (Patterns, {"Subject": "a?b", "as": "To"}),
    ],
)
def test_options_are_the_same_after_they_were_kept(
    kind: type[Action], value: object
) -> None:
    action = kind.model_validate(value)
    assert kind.model_validate_json(dump_options(action)) == action


SAMPLES: dict[str, list[object]] = {
    "archive": ["Invoices/{date:%Y}"],
    "copy": ["Lists/python"],
    "delete": [True, "forever"],
    "flag": [True],
    "forward": ["a@b.example", ["a@b.example", "c@d.example"]],
    "label": ["urgent"],
    "mark": ["read", "unread"],
    "move": ["Lists/{list.id}"],
    "redirect": ["a@b.example"],
    "reply": ["Back soon."],
    "save": [{"attachments": True, "to": "/srv/invoices/{date:%Y}"}],
    "stop": [True],
    "unflag": [True],
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_options_of_every_bundled_action_are_the_same_after_they_were_kept(
    name: str,
) -> None:
    kind = discover_plugins().actions[name].type
    for value in SAMPLES[name]:
        action = kind.model_validate(value)
        assert kind.model_validate_json(dump_options(action)) == action


def test_every_bundled_action_is_among_them() -> None:
    assert set(discover_plugins().actions) == set(SAMPLES)
