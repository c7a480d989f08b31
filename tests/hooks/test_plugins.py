"""Plugins are ordinary modules; what is wrong with one is told with its name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from postroom import Condition, Message, Rule, hookimpl
from postroom.errors import ConfigError, PluginError
from postroom.hooks import discovery
from postroom.hooks.discovery import discover_plugins
from postroom.hooks.hookspecs import RegisterAction, RegisterCondition
from postroom.hooks.patience import Patience
from postroom.hooks.plugins import Plugins
from postroom.mail.envelope import Envelope, Outgoing

OUTGOING = Outgoing("home", Envelope(None, ("a@b.c",)), b"", "<id>")


class Weekend(Condition):
    """The message arrived on a Saturday or Sunday."""

    depth = "headers"

    def holds(self, message: Message) -> bool:
        """True at weekends."""
        return message.received.weekday() >= 5


class Undocumented(Weekend):
    pass


class Unfinished(Condition):
    """It has no `holds`."""


def plugin(**hooks: Any) -> object:  # noqa: ANN401 - hooks have many shapes
    marked = {name: hookimpl(function) for name, function in hooks.items()}
    return SimpleNamespace(**marked)


def registering(name: str, kind: object) -> object:
    def register_conditions(register: RegisterCondition) -> None:
        register(name, kind)  # type: ignore[arg-type] # wrong ones are tried as well

    return plugin(register_conditions=register_conditions)


def complaints(*plugins: tuple[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        Plugins(plugins)
    return str(caught.value)


def test_the_bundled_plugins_are_found_like_any_other() -> None:
    plugins = discover_plugins()
    assert plugins.names == ("arrival", "filing", "filter", "saving", "sending")
    assert set(plugins.conditions) == {
        *("from", "to", "cc", "recipient", "subject", "header", "list", "size"),
        *("body", "attachment", "auto", "age", "date", "flag", "mailbox"),
    }
    assert set(plugins.actions) == {
        *("move", "archive", "copy", "mark", "flag", "unflag", "delete", "stop"),
        *("label", "forward", "redirect", "reply", "save"),
    }


def test_a_condition_is_registered_with_its_plugin() -> None:
    plugins = Plugins([("acme", registering("weekend", Weekend))])
    assert plugins.conditions["weekend"].type is Weekend
    assert plugins.conditions["weekend"].plugin == "acme"


def test_a_taken_name_is_refused() -> None:
    told = complaints(
        ("acme", registering("weekend", Weekend)),
        ("other", registering("weekend", Weekend)),
    )
    assert told == "plugin other: weekend: the name is taken by plugin acme"


@pytest.mark.parametrize(
    ("name", "kind", "complaint"),
    [
        ("any", Weekend, "can't be a name"),
        ("week end", Weekend, "can't be a name"),
        ("weekend", int, "expected a class derived from Condition"),
        ("weekend", Undocumented, "no docstring"),
        ("weekend", Unfinished, "it lacks holds"),
    ],
)
def test_what_can_be_no_condition_is_refused(
    name: str, kind: object, complaint: str
) -> None:
    assert complaint in complaints(("acme", registering(name, kind)))


def test_an_unknown_hook_is_refused_with_the_plugins_name() -> None:
    told = complaints(("acme", plugin(register_condition=lambda register: None)))
    assert told.startswith("plugin acme:")
    assert "register_condition" in told


def test_an_unknown_argument_is_refused() -> None:
    told = complaints(("acme", plugin(register_actions=lambda registrar: None)))
    assert "plugin acme" in told
    assert "registrar" in told


def test_all_that_is_wrong_is_told_at_once() -> None:
    def fail(register: RegisterAction) -> None:
        raise LookupError("nothing there")

    told = complaints(
        ("one", plugin(register_actions=fail)),
        ("two", plugin(no_such_hook=lambda: None)),
    )
    assert "plugin one: one: register_actions: LookupError: nothing there" in told
    assert "plugin two" in told


def test_an_implementation_names_only_what_it_wants() -> None:
    told: list[object] = []
    plugins = Plugins(
        [
            ("one", plugin(delivery_settled=lambda status: told.append(status))),
            ("two", plugin(delivery_settled=lambda: told.append("two"))),
        ]
    )
    asyncio.run(plugins.tell_settled(OUTGOING, "delivered", "250 ok"))
    assert told == ["delivered", "two"]


def test_delivery_settled_may_be_async() -> None:
    told: list[str] = []

    async def delivery_settled(outgoing: Outgoing, detail: str) -> None:
        await asyncio.sleep(0)
        told.append(f"{outgoing.message_id} {detail}")

    plugins = Plugins([("one", plugin(delivery_settled=delivery_settled))])
    asyncio.run(plugins.tell_settled(OUTGOING, "delivered", "250 ok"))
    assert told == ["<id> 250 ok"]


def test_the_first_plugin_that_knows_a_scheme_gives_the_secret() -> None:
    def resolve_secret(reference: str) -> str | None:
        return "hush" if reference.startswith("vault:") else None

    plugins = Plugins([("vault", plugin(resolve_secret=resolve_secret))])
    assert plugins.resolve_secret("vault:home") == "hush"
    assert plugins.resolve_secret("other:home") is None


def test_rules_written_in_python_get_the_plugins_options() -> None:
    def provide_rules(options: Mapping[str, Any]) -> Iterator[Rule]:
        yield Rule(options["name"])

    plugins = Plugins([("acme", plugin(provide_rules=provide_rules))])
    (rule,) = plugins.provide_rules({"acme": {"name": "it"}})
    assert rule == Rule("it", file="plugin acme")


def fail_late() -> Iterator[Rule]:
    yield Rule("it")
    raise LookupError("nothing there")


@pytest.mark.parametrize(
    ("provide", "complaint"),
    [
        (fail_late, "acme: provide_rules: LookupError: nothing there"),
        (lambda: [Rule("it"), "it"], "acme: provide_rules: expected rules, not str"),
        (lambda: [None], "acme: provide_rules: expected rules, not NoneType"),
        (lambda: 3, "acme: provide_rules: TypeError"),
    ],
    ids=["late", "text", "none", "number"],
)
def test_a_plugin_that_brings_no_rules_is_named(
    provide: Callable[[], object], complaint: str
) -> None:
    plugins = Plugins([("acme", plugin(provide_rules=provide))])
    with pytest.raises(PluginError, match=complaint):
        plugins.provide_rules({})


IMPATIENT = Patience(entering=0.05, leaving=0.05, telling=0.05)


def settling(*settled: Callable[..., object]) -> Plugins:
    named = (
        (f"p{number}", plugin(delivery_settled=each))
        for number, each in enumerate(settled)
    )
    return Plugins(named, IMPATIENT)


def tell(plugins: Plugins) -> list[str]:
    failures = asyncio.run(plugins.tell_settled(OUTGOING, "failed", "550 no"))
    return list(map(str, failures))


def test_a_plain_function_is_not_called_on_the_event_loop() -> None:
    called: list[threading.Thread] = []
    assert tell(settling(lambda: called.append(threading.current_thread()))) == []
    assert called != [threading.current_thread()]


def test_a_plugin_that_does_not_come_back_is_left_to_itself() -> None:
    """The others are told; it is not called again while it is still there."""
    told: list[str] = []
    calls: list[int] = []
    release = threading.Event()

    def hang() -> None:
        calls.append(1)
        release.wait()

    async def hang_async() -> None:
        await asyncio.Event().wait()

    plugins = settling(hang, hang_async, lambda status: told.append(status))
    late = "delivery_settled: it took longer than 0.05 s"
    assert tell(plugins) == [f"p0: {late}", f"p1: {late}"]
    assert tell(plugins) == [
        "p0: it has not come back from the call before",
        f"p1: {late}",
    ]
    assert told == ["failed", "failed"]
    assert calls == [1]
    release.set()
    assert any(len(tell(plugins)) == 1 for _ in range(100))
    assert len(calls) > 1


def test_all_that_fail_are_named() -> None:
    async def fail() -> None:
        raise TimeoutError("mine")

    told = [each.partition(" (")[0] for each in tell(settling(lambda: 1 / 0, fail))]
    assert told == [
        "p0: delivery_settled: ZeroDivisionError: division by zero",
        "p1: delivery_settled: TimeoutError: mine",
    ]


def test_what_a_hook_raises_is_named() -> None:
    plugins = Plugins([("acme", plugin(resolve_secret=lambda reference: 1 / 0))])
    with pytest.raises(PluginError, match="acme: resolve_secret: ZeroDivisionError"):
        plugins.resolve_secret("x:y")


def test_a_plugin_that_can_not_be_imported_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = [
        EntryPoint("ghost", "postroom_no_such_module", "postroom"),
        EntryPoint("filter", "postroom_filter", "postroom"),
    ]
    monkeypatch.setattr(discovery, "entry_points", lambda group: entries)
    with pytest.raises(ConfigError) as caught:
        discover_plugins()
    (problem,) = caught.value.problems
    assert problem.file == "plugin ghost"
    assert "postroom_no_such_module" in problem.message


def test_one_that_takes_its_cancellation_for_nothing_is_ended() -> None:
    async def ignore_its_end() -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    told: list[str] = []
    plugins = settling(ignore_its_end, lambda status: told.append(status))
    assert tell(plugins) == ["p0: delivery_settled: it took longer than 0.05 s"]
    assert told == ["failed"]
