"""The tables of one rule to conditions and actions, each complaint with its key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from postroom.config.problems import nearest, tell_problems
from postroom.errors import Problem
from postroom.hooks.plugins import Plugins, Registered
from postroom.rules.logic import All, Either, Logic, Named, Neither
from postroom.rules.rule import NamedAction

_MOST_NESTING = 30


@dataclass
class Reader:
    """Reads the tables of one rule, and collects what is wrong with them.

    `remembered` tells which plugin brought a condition or an action in an earlier run,
    as `{"condition weekend": "acme"}`. What is named there and not here any more is no
    problem but lacking.
    """

    plugins: Plugins
    file: str
    rule: str | int | None = None
    remembered: Mapping[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    def complain(self, key: str, message: str) -> None:
        """Note a problem at a key of the rule."""
        self.problems.append(Problem(self.file, message, self.rule, key))

    def read_logic(self, table: object, key: str, depth: int = 0) -> Logic:
        """Every table is the *and* of its keys."""
        if not isinstance(table, Mapping):
            self.complain(
                key, 'expected a table of conditions, such as { subject = "invoice" }'
            )
            return All(())
        if depth and not table:
            self.complain(key, "expected a condition; this would be every message")
            return All(())
        if depth > _MOST_NESTING:
            self.complain(key, f"conditions are nested more than {_MOST_NESTING} deep")
            return All(())
        parts = [
            self._read_part(name, value, f"{key}.{name}", depth + 1)
            for name, value in table.items()
        ]
        kept = tuple(part for part in parts if part is not None)
        return kept[0] if len(kept) == 1 else All(kept)

    def _read_part(
        self, name: str, value: object, key: str, depth: int
    ) -> Logic | None:
        match name:
            case "all":
                return All(self._read_list(value, key, depth))
            case "any":
                return Either(self._read_list(value, key, depth))
            case "not":
                return self._read_not(value, key, depth)
        known = self._find(name, self.plugins.conditions, key, "condition")
        if known is None:
            return None
        condition = self._read_options(known.type, value, key)
        return condition and Named(name, condition, known.plugin)

    def _read_list(self, value: object, key: str, depth: int) -> tuple[Logic, ...]:
        if not isinstance(value, list) or not value:
            self.complain(key, "expected a list of conditions, not empty")
            return ()
        return tuple(
            self.read_logic(item, f"{key}[{number}]", depth)
            for number, item in enumerate(value, 1)
        )

    def _read_not(self, value: object, key: str, depth: int) -> Logic:
        if isinstance(value, list):
            return Neither(self._read_list(value, key, depth))
        if isinstance(value, Mapping) and len(value) > 1:
            names = list(value)
            apart = ", ".join(f"{{ {name} = … }}" for name in names)
            together = ", ".join(f"{name} = …" for name in names)
            self.complain(
                key,
                f"several conditions can be read in two ways: none of them holds is "
                f"not = [{apart}]; not all of them hold is not = [{{ {together} }}]",
            )
        return Neither((self.read_logic(value, key, depth),))

    def read_actions(self, tables: tuple[dict[str, Any], ...]) -> Iterator[NamedAction]:
        """The actions of `then`, in order."""
        for number, table in enumerate(tables, 1):
            if not table:
                self.complain(f"then[{number}]", "expected an action")
            for name, value in table.items():
                key = f"then[{number}].{name}"
                known = self._find(name, self.plugins.actions, key, "action")
                action = known and self._read_options(known.type, value, key)
                if known and action:
                    yield NamedAction(name, action, known.plugin)

    def _find(
        self, name: str, known: Mapping[str, Registered[Any]], key: str, noun: str
    ) -> Registered[Any] | None:
        if name not in known:
            plugin = self.remembered.get(f"{noun} {name}")
            if plugin is None:
                self.complain(key, _tell_unknown(name, known, noun))
            else:
                self.lacking.append(f"{noun} {name}: {self._tell_why(plugin)}")
        return known.get(name)

    def _tell_why(self, plugin: str) -> str:
        """Why what a plugin brought before is not there."""
        for failure in self.plugins.failures:
            if failure.file == f"plugin {plugin}":
                return f"plugin {plugin} can't be used: {failure.message}"
        if plugin in self.plugins.names:
            return f"plugin {plugin} does not bring it any more"
        return f"plugin {plugin} is not installed any more"

    def _read_options(self, kind: type[Any], value: object, key: str) -> Any:  # noqa: ANN401 - a condition or an action
        if value == {} and kind.main_option() is None:
            self.complain(key, "it has no options: the only value is true")
            return None
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            found = tell_problems(error, kind, self.file, self.rule, (key,))
            if isinstance(value, dict) and not kind.table_is_main:
                self.problems.extend(found)
            else:
                main = f"{key}.{kind.main_option()}"
                self.problems.extend(_without(main, key, problem) for problem in found)
            return None


def _tell_unknown(name: str, known: Iterable[str], noun: str) -> str:
    """The complaint about a name; where none is near it may be one of a plugin."""
    told = nearest(name, known, noun)
    is_near = told.endswith("?")
    return told if is_near else f"{told}; a plugin may bring it: see postroom plugins"


def _without(main: str, key: str, problem: Problem) -> Problem:
    """The problem without the name of the main option, which nobody wrote."""
    told = problem.key or ""
    shorter = key + told.removeprefix(main) if told.startswith(main) else told
    return replace(problem, key=shorter)
