"""Rule files: TOML tables to rules, with every problem of every file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from postroom.config.problems import nearest, read_toml, tell_problems
from postroom.config.settings import WatchedName
from postroom.errors import Problem
from postroom.hooks.plugins import Plugins, Registered
from postroom.rules.logic import All, Either, Logic, Named, Neither
from postroom.rules.rule import NamedAction, Rule

_MOST_NESTING = 30


class RuleTable(BaseModel):
    """The keys of a `[[rule]]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    enabled: StrictBool = True
    accounts: tuple[str, ...] = ()
    mailboxes: tuple[WatchedName, ...] = ()
    on: Literal["arrival"] = "arrival"
    when: dict[str, Any] = {}
    then: tuple[dict[str, Any], ...] = Field(min_length=1)
    stop: StrictBool | None = None


@dataclass
class _Reader:
    """Reads the tables of one rule, and collects what is wrong with them."""

    plugins: Plugins
    file: str
    rule: str | None = None
    problems: list[Problem] = field(default_factory=list)

    def complain(self, key: str, message: str) -> None:
        """Note a problem at a key of the rule."""
        self.problems.append(Problem(self.file, message, self.rule, key))

    def read_logic(self, table: object, key: str, depth: int = 0) -> Logic:
        """Every table is the *and* of its keys."""
        if not isinstance(table, Mapping):
            self.complain(key, "expected a table of conditions")
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
            self.complain(key, nearest(name, known, noun))
        return known.get(name)

    def _read_options(self, kind: type[Any], value: object, key: str) -> Any:  # noqa: ANN401 - a condition or an action
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            prefix = (key,)
            found = tell_problems(error, kind, self.file, self.rule, prefix)
            main = kind.main_option()
            self.problems.extend(_without_main(problem, main) for problem in found)
            return None


def _without_main(problem: Problem, main: str | None) -> Problem:
    """The problem without the name of the main option, which nobody wrote."""
    key = (problem.key or "").replace(f".{main}", "", 1) if main else problem.key
    return Problem(problem.file, problem.message, problem.rule, key)


@dataclass(frozen=True)
class RuleFiles:
    """The rules of a folder in the order they run, and the texts of its files.

    `is_absent` tells that there is no such folder, which is no problem.
    """

    rules: tuple[Rule, ...]
    texts: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]
    is_absent: bool = False


def read_rule_files(
    folder: Path, plugins: Plugins, accounts: Collection[str]
) -> RuleFiles:
    """Read every `*.toml` of a folder in the order of their names."""
    try:
        paths = [path for path in sorted(folder.iterdir()) if path.match("*.toml")]
    except FileNotFoundError:
        return RuleFiles((), (), (), is_absent=True)
    except OSError as error:
        problem = Problem(str(folder), f"can't be read: {error.strerror}")
        return RuleFiles((), (), (problem,))
    return _read_files(paths, plugins, accounts)


def _read_files(
    paths: Iterable[Path], plugins: Plugins, accounts: Collection[str]
) -> RuleFiles:
    rules: list[Rule] = []
    texts: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for path in paths:
        tables, text, wrong = read_toml(path)
        texts.append((path.name, text))
        problems.extend(wrong)
        problems.extend(_complain_of_keys(tables, str(path)))
        for rule, wrong in _read_rules(tables, str(path), plugins, accounts):
            problems.extend(wrong)
            rules.extend([rule] if rule else [])
    problems.extend(find_taken_names(rules))
    return RuleFiles(tuple(rules), tuple(texts), tuple(problems))


def _complain_of_keys(tables: Mapping[str, Any], file: str) -> Iterator[Problem]:
    for key in tables:
        if key != "rule":
            yield Problem(file, nearest(key, ["rule"], "key"), key=key)


def _read_rules(
    tables: Mapping[str, Any], file: str, plugins: Plugins, accounts: Collection[str]
) -> Iterator[tuple[Rule | None, list[Problem]]]:
    listed = tables.get("rule", [])
    if not isinstance(listed, list):
        yield None, [Problem(file, "expected [[rule]] with two brackets", key="rule")]
        return
    for number, table in enumerate(listed, 1):
        name = table.get("name") if isinstance(table, dict) else None
        reader = _Reader(plugins, file, name if isinstance(name, str) else f"{number}")
        yield _read_rule(table, reader, accounts), reader.problems


def _read_rule(
    table: object, reader: _Reader, accounts: Collection[str]
) -> Rule | None:
    """The rule, or None; conditions and actions are read whatever else is wrong."""
    keys = _read_keys(table, reader)
    given = table if isinstance(table, Mapping) else {}
    when = reader.read_logic(
        keys.when if keys else _as_table(given.get("when")), "when"
    )
    then = tuple(
        reader.read_actions(keys.then if keys else _as_tables(given.get("then")))
    )
    if keys is None:
        return None
    for account in keys.accounts:
        if account not in accounts:
            reader.complain("accounts", nearest(account, accounts, "account"))
    return Rule(
        name=keys.name,
        when=when,
        then=then,
        accounts=keys.accounts,
        mailboxes=keys.mailboxes,
        stop=keys.stop,
        enabled=keys.enabled,
        file=reader.file,
    )


def _read_keys(table: object, reader: _Reader) -> RuleTable | None:
    try:
        return RuleTable.model_validate(table)
    except ValidationError as error:
        told = tell_problems(error, RuleTable, reader.file, reader.rule)
        reader.problems.extend(told)
        return None


def _as_table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_tables(value: object) -> tuple[dict[str, Any], ...]:
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, dict))


def find_taken_names(
    rules: Iterable[Rule], before: Iterable[Rule] = ()
) -> Iterator[Problem]:
    """A problem for each rule whose name belongs to another, or to one `before`."""
    owners = {rule.name: rule for rule in before}
    for rule in rules:
        if rule.name in owners:
            message = f"the name is taken by a rule of {owners[rule.name].file}"
            yield Problem(rule.file, message, rule.name, "name")
        owners.setdefault(rule.name, rule)
