"""Rule files: TOML tables to rules, with every problem of every file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from postroom.config.problems import nearest, read_toml, tell_problems
from postroom.config.rulereader import Reader
from postroom.config.ruletable import RuleTable, ScheduleTable
from postroom.errors import Problem
from postroom.hooks.plugins import Plugins
from postroom.rules.rule import Rule

# What editors, packages and authors put beside rule files.
_NO_RULES = (
    "~",
    ".bak",
    ".orig",
    ".swp",
    ".md",
    ".txt",
    ".json",
    ".dpkg-old",
    ".dpkg-new",
)


@dataclass(frozen=True)
class RuleFiles:
    """The rules of a folder in the order they run, and the texts of its files.

    `is_absent` tells that there is no such folder, which is no problem; `passed_over`
    are what is in it and most likely was to be read.
    """

    rules: tuple[Rule, ...]
    texts: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]
    is_absent: bool = False
    passed_over: tuple[Path, ...] = ()


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
        found = sorted(folder.iterdir())
    except FileNotFoundError:
        return RuleFiles((), (), (), is_absent=True)
    except OSError as error:
        problem = Problem(str(folder), f"can't be read: {error.strerror}")
        return RuleFiles((), (), (problem,))
    paths = [path for path in found if path.match("*.toml")]
    read = _read_files(paths, plugins, accounts, remembered)
    others = (path for path in found if path not in paths)
    return replace(read, passed_over=tuple(filter(_is_surprising, others)))


def _is_surprising(path: Path) -> bool:
    """True of what is neither hidden, nor a text about the rules, nor a backup."""
    return not (path.name.startswith(".") or path.name.endswith(_NO_RULES))


def _read_files(
    paths: Iterable[Path],
    plugins: Plugins,
    accounts: Collection[str],
    remembered: Mapping[str, str],
) -> RuleFiles:
    rules: list[Rule] = []
    named: list[Rule] = []
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
        named.extend(_name_rules(tables, str(path)))
    problems.extend(find_taken_names(named))
    return RuleFiles(tuple(rules), tuple(texts), tuple(problems))


def _complain_of_keys(tables: Mapping[str, Any], file: str) -> Iterator[Problem]:
    for key in tables:
        if key != "rule":
            yield Problem(file, nearest(key, ["rule"], "key"), key=key)


def _name_rules(tables: Mapping[str, Any], file: str) -> Iterator[Rule]:
    """The rules of a file with nothing but their names: one that can't be read has its
    name as well."""
    listed = tables.get("rule")
    for table in listed if isinstance(listed, list) else ():
        name = table.get("name") if isinstance(table, dict) else None
        if name and isinstance(name, str):
            yield Rule(name, file=file)


def _read_rules(
    tables: Mapping[str, Any],
    file: str,
    readers: Callable[[str | int], Reader],
    accounts: Collection[str],
) -> Iterator[tuple[Rule | None, list[Problem]]]:
    listed = tables.get("rule", [])
    if not isinstance(listed, list):
        yield None, [Problem(file, "expected [[rule]] with two brackets", key="rule")]
        return
    for number, table in enumerate(listed, 1):
        name = table.get("name") if isinstance(table, dict) else None
        reader = readers(name if name and isinstance(name, str) else number)
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
        reader.problems.extend(_tell_place(each, reader.plugins) for each in told)
        return None


def _tell_place(problem: Problem, plugins: Plugins) -> Problem:
    """The problem; where a condition or an action stands beside `when` and `then`, with
    the place it belongs to."""
    key = problem.key or ""
    places = []
    if key in {"all", "any", "not", *plugins.conditions}:
        places.append(f"when.{key}")
    if key in plugins.actions:
        places.append(f"then = [{{ {key} = … }}]")
    if not places or key in RuleTable.model_fields:
        return problem
    message = f"there is no key {key!r}; did you mean {' or '.join(places)}?"
    return replace(problem, message=message)


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
