"""The plugins that are installed, and what they brought.

An ordinary object, made once for a daemon. A plugin that takes a name which is taken,
or that implements a hook wrongly, makes a `Problem` naming it; all are told at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import pluggy

from postroom.errors import ConfigError, PluginError, PostroomError, Problem
from postroom.hooks import hookspecs
from postroom.hooks.leash import Leash
from postroom.hooks.lifespans import spanning
from postroom.hooks.patience import Aside, Patience
from postroom.mail.envelope import Outgoing
from postroom.rules.action import Action
from postroom.rules.boundary import plugin_code
from postroom.rules.condition import Condition, Options
from postroom.rules.rule import Rule

_COMBINATIONS = {"any", "all", "not"}

Kind = TypeVar("Kind", bound=Options)
KindOut = TypeVar("KindOut", bound=Options, covariant=True)
Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Registered(Generic[KindOut]):
    """A condition or an action under its name, and the plugin it came with."""

    name: str
    type: type[KindOut]
    plugin: str


class Plugins:
    """The registered plugins: `conditions` and `actions` by name, and hooks to call."""

    def __init__(
        self,
        found: Iterable[tuple[str, object]],
        patience: Patience | None = None,
        spared: Collection[str] = (),
    ) -> None:
        """Register these (name, module) pairs; raises `ConfigError`.

        What is wrong with one of the `spared` plugins goes into `failures`: it is left
        out, and the others serve.
        """
        self._patience = patience or Patience()
        self._aside = Aside()
        self._leash = Leash()
        self.conditions: dict[str, Registered[Condition]] = {}
        self.actions: dict[str, Registered[Action]] = {}
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        wrong = [
            (name, each) for name, module in found for each in self._add(name, module)
        ]
        if told := [problem for name, problem in wrong if name not in spared]:
            raise ConfigError(told)
        self.failures = tuple(problem for _, problem in wrong)
        for name in {name for name, _ in wrong}:
            self._remove(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the plugins, in the order of registration."""
        return tuple(name for name, _ in self._manager.list_name_plugin())

    @property
    def files(self) -> dict[str, Path]:
        """The file of each plugin's code, where it has one."""
        modules = dict(self._manager.list_name_plugin())
        files = {n: getattr(each, "__file__", None) for n, each in modules.items()}
        return {name: Path(file) for name, file in files.items() if file}

    def resolve_secret(self, reference: str) -> str | None:
        """The secret, from the first plugin that knows the reference's scheme."""
        calls = self._calls("resolve_secret", {"reference": reference})
        answers = (call() for _, call in calls)
        return next((str(answer) for answer in answers if answer is not None), None)

    def provide_rules(self, settings: Settings) -> tuple[Rule, ...]:
        """The rules that plugins bring, in the order of registration.

        Raises `PluginError` if one fails, or brings something else.
        """
        calls = self._calls("provide_rules", {}, settings)
        return tuple(rule for name, call in calls for rule in _take_rules(name, call))

    async def enter_lifespans(self, stack: AsyncExitStack, settings: Settings) -> None:
        """Enter what the plugins want open around the service.

        Raises a `PostroomError` where that fails or takes too long. Leaving it holds up
        nobody: what goes wrong then is logged.
        """
        stack.push_async_callback(self._leash.close)
        for name, call in self._calls("lifespan", {}, settings):
            context = call()
            if context is not None:
                span = spanning(name, context, self._leash, self._patience)
                await stack.enter_async_context(span)

    async def tell_settled(
        self, outgoing: Outgoing, status: str, detail: str
    ) -> list[PostroomError]:
        """Tell every plugin how a delivery ended; the failures of those that failed."""
        arguments = {"outgoing": outgoing, "status": status, "detail": detail}
        failures: list[PostroomError] = []
        for name, call in self._calls("delivery_settled", arguments):
            seconds, telling = self._patience.telling, partial(self._tell, name, call)
            try:
                await self._leash.wait(name, "delivery_settled", seconds, telling)
            except PostroomError as failure:
                failures.append(failure)
        return failures

    async def _tell(self, name: str, call: Callable[[], Any]) -> None:
        result = await self._aside.call(name, call)
        if inspect.isawaitable(result):
            await result

    def _add(self, name: str, module: object) -> Iterator[Problem]:
        try:
            self._manager.register(module, name)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            yield Problem(f"plugin {name}", str(error))
            return
        yield from self._collect(
            name, "register_conditions", Condition, self.conditions
        )
        yield from self._collect(name, "register_actions", Action, self.actions)

    def _remove(self, plugin: str) -> None:
        """Forget a plugin, and what it brought before it failed."""
        if self._manager.has_plugin(plugin):
            self._manager.unregister(name=plugin)
        for registered in (self.conditions, self.actions):
            for name in [n for n, each in registered.items() if each.plugin == plugin]:
                del registered[name]

    def _collect(
        self, plugin: str, hook: str, base: type, into: dict[str, Registered[Kind]]
    ) -> Iterator[Problem]:
        """Have one plugin register its types; what is wrong with them."""
        problems: list[Problem] = []

        def register(name: str, offered: type[Kind]) -> None:
            complaint = _complain(name, offered, base, into)
            if complaint:
                problems.append(Problem(f"plugin {plugin}", complaint, key=name))
            else:
                into[name] = Registered(name, offered, plugin)

        try:
            for _, call in self._calls(hook, {"register": register}, only=plugin):
                call()
        except PluginError as error:
            problems.append(Problem(f"plugin {plugin}", str(error)))
        yield from problems

    def _calls(
        self,
        hook: str,
        arguments: Mapping[str, object],
        settings: Settings | None = None,
        only: str | None = None,
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Each plugin that has the hook: its name, and a call inside the boundary."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            if only is None or only == name:
                offered = {"options": (settings or {}).get(name, {}), **arguments}
                wanted = {key: offered[key] for key in implementation.argnames}
                yield name, partial(_call, name, hook, implementation.function, wanted)


def _call(
    name: str, hook: str, function: Callable[..., Any], wanted: Mapping[str, object]
) -> Any:  # noqa: ANN401 - whatever the hook is said to return
    with plugin_code(name, hook):
        return function(**wanted)


def _take_rules(plugin: str, call: Callable[[], Any]) -> tuple[Rule, ...]:
    """The rules that one plugin brings; each says where it comes from."""
    with plugin_code(plugin, "provide_rules"):
        rules = tuple(call() or ())
    for rule in rules:
        if not isinstance(rule, Rule):
            kind = type(rule).__name__
            raise PluginError(plugin, f"provide_rules: expected rules, not {kind}")
    return tuple(replace(rule, file=rule.file or f"plugin {plugin}") for rule in rules)


def _complain(
    name: str, offered: object, base: type, taken: Mapping[str, Registered[Kind]]
) -> str:
    if name in taken:
        return f"the name is taken by plugin {taken[name].plugin}"
    if name in _COMBINATIONS or not name.isidentifier():
        return "it can't be a name in a rule file"
    if not (inspect.isclass(offered) and issubclass(offered, base)):
        return f"expected a class derived from {base.__name__}"
    lacking = sorted(getattr(offered, "__abstractmethods__", ()))
    if lacking:
        return f"it lacks {', '.join(lacking)}"
    return "" if (offered.__doc__ or "").strip() else "the class has no docstring"
