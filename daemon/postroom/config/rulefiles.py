"""Rule files: TOML tables to rules, with every problem of every file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from postroom.config.problems import nearest, read_toml, tell_problems
from postroom.config.rulereader import Reader
from postroom.config.settings import WatchedName
from postroom.errors import Problem
from postroom.hooks.plugins import Plugins
from postroom.rules.options import Duration
from postroom.rules.rule import Rule
from postroom.rules.schedule import Schedule, check_cron, check_interval


class ScheduleTable(BaseModel):
    """`on = { every = "1h" }`, or `{ cron = "0 3 * * *" }`: minute, hour, day of the
    month, month, day of the week (by its name)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: Annotated[Duration, AfterValidator(check_interval)] | None = None
    cron: Annotated[str, AfterValidator(check_cron)] = ""

    @model_validator(mode="after")
    def _check_both(self) -> Self:
        self.schedule()
        return self

    def schedule(self) -> Schedule:
        """The schedule that the table means."""
        return Schedule(self.every, self.cron)


def _choose_on(value: object) -> object:
    """Read `on` as the one or the other, to complain about one of them only."""
    if isinstance(value, dict):
        return ScheduleTable.model_validate(value)
    if value != "arrival":
        raise ValueError("expected 'arrival', { every = \"1h\" } or { cron = … }")
    return value


class RuleTable(BaseModel):
    """The keys of a `[[rule]]`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """What logs and reports call it; unique."""
    enabled: StrictBool = True
    """False puts it to rest."""
    accounts: tuple[str, ...] = ()
    """The accounts it is for, by their names in the settings; all without it."""
    mailboxes: tuple[WatchedName, ...] = ()
    """The watched mailboxes it is for; every one without it."""
    on: Annotated[Literal["arrival"] | ScheduleTable, BeforeValidator(_choose_on)] = (
        "arrival"
    )
    """When it is asked: as a message arrives, or by a schedule."""
    when: dict[str, Any] = {}
    """Conditions, all of which must hold; every message without it."""
    then: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    """What is done."""
    stop: StrictBool | None = None
    """Whether no later rule is asked; without it, a rule that moves, archives or
    deletes ends the run."""


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
    folder: Path,
    plugins: Plugins,
    accounts: Collection[str],
    remembered: Mapping[str, str] = MappingProxyType({}),
) -> RuleFiles:
    """Read every `*.toml` of a folder in the order of their names.

    What is `remembered` from plugins that are gone is lacking, and no problem.
    """
    try:
        paths = [path for path in sorted(folder.iterdir()) if path.match("*.toml")]
    except FileNotFoundError:
        return RuleFiles((), (), (), is_absent=True)
    except OSError as error:
        problem = Problem(str(folder), f"can't be read: {error.strerror}")
        return RuleFiles((), (), (problem,))
    return _read_files(paths, plugins, accounts, remembered)


def _read_files(
    paths: Iterable[Path],
    plugins: Plugins,
    accounts: Collection[str],
    remembered: Mapping[str, str],
) -> RuleFiles:
    rules: list[Rule] = []
    texts: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for path in paths:
        tables, text, wrong = read_toml(path)
        texts.append((path.name, text))
        problems.extend(wrong)
        problems.extend(_complain_of_keys(tables, str(path)))
        readers = partial(Reader, plugins, str(path), remembered=remembered)
        for rule, wrong in _read_rules(tables, str(path), readers, accounts):
            problems.extend(wrong)
            rules.extend([rule] if rule else [])
    problems.extend(find_taken_names(rules))
    return RuleFiles(tuple(rules), tuple(texts), tuple(problems))


def _complain_of_keys(tables: Mapping[str, Any], file: str) -> Iterator[Problem]:
    for key in tables:
        if key != "rule":
            yield Problem(file, nearest(key, ["rule"], "key"), key=key)


def _read_rules(
    tables: Mapping[str, Any],
    file: str,
    readers: Callable[[str], Reader],
    accounts: Collection[str],
) -> Iterator[tuple[Rule | None, list[Problem]]]:
    listed = tables.get("rule", [])
    if not isinstance(listed, list):
        yield None, [Problem(file, "expected [[rule]] with two brackets", key="rule")]
        return
    for number, table in enumerate(listed, 1):
        name = table.get("name") if isinstance(table, dict) else None
        reader = readers(name if isinstance(name, str) else f"{number}")
        yield _read_rule(table, reader, accounts), reader.problems


def _read_rule(table: object, reader: Reader, accounts: Collection[str]) -> Rule | None:
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
        on=keys.on.schedule() if isinstance(keys.on, ScheduleTable) else None,
        lacks="; ".join(reader.lacking),
    )


def _read_keys(table: object, reader: Reader) -> RuleTable | None:
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
