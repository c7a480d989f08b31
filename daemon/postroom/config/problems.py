"""Complaints in the user's terms: where, what was expected, the nearest name.

Values are never repeated here: one of them could be a secret.
"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from postroom.errors import Problem
from postroom.rules.nearest import nearest as nearest

_MESSAGES = {
    "missing": "it is required",
    "string_type": "expected a text in quotes",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "too_short": "expected at least one",
}


# The right form of what is most often written in another, by its key.
_EXAMPLES = {
    "imap": 'expected a table such as { host = "imap.example.org" }',
    "pop3": 'expected a table such as { host = "pop.example.org" }',
    "smtp": 'expected a table such as { host = "smtp.example.org" }',
    "watch": 'expected a list such as ["INBOX"]',
    "mailboxes": 'expected a list such as ["INBOX"]',
    "aliases": 'expected a list such as ["me@example.org"]',
    "accounts": 'expected a list such as ["home"]',
    "when": 'expected a table such as { subject = "invoice" }',
    "header": 'expected a table such as { X-Spam-Flag = "YES" }',
    "then": 'expected a list of tables, such as [{ move = "Invoices" }]',
}
_NO_TABLE = {"dict_type", "model_type", "model_attributes_type"}
_NO_LIST = {"tuple_type", "list_type"}
# Whoever writes rules can have mail sent anywhere.
_WRITABLE = "everybody may write to it: chmod o-w it"


def tell_problems(
    error: ValidationError,
    model: type[BaseModel],
    file: str,
    rule: str | int | None = None,
    prefix: tuple[str, ...] = (),
) -> Iterator[Problem]:
    """A problem for each complaint about what was read as `model`."""
    listed = error.errors(include_url=False, include_input=False)
    broken = {tuple(each["loc"][:-1]) for each in listed if each["type"] in _NO_TABLE}
    for details in listed:
        if details["type"] == "too_short" and tuple(details["loc"]) in broken:
            continue  # Its items are there, and wrong.
        key = _write_path([*prefix, *details["loc"]])
        yield Problem(file, _say(details, model, prefix), rule, key or None)


def _write_path(parts: Iterable[str | int]) -> str:
    """`account.home.watch[1]`: items of lists are counted from one."""
    written = (
        f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in parts
    )
    return "".join(written).removeprefix(".")


def _say(details: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    kind = details["type"]
    if kind in _NO_TABLE | _NO_LIST and (
        example := _find_example([*prefix, *details["loc"]])
    ):
        return example
    if kind == "extra_forbidden":
        *path, name = map(str, details["loc"])
        return nearest(name, _known_keys(model, path), "key")
    if kind == "value_error":
        return str(details.get("ctx", {}).get("error", details["msg"]))
    if kind == "literal_error":
        return f"expected {_as_toml(str(details.get('ctx', {}).get('expected')))}"
    return _MESSAGES.get(kind, details["msg"])


def _find_example(path: Sequence[str | int]) -> str:
    """The right form of what stands there, or of an item of the list there."""
    names = [part for part in path if isinstance(part, str)]
    if path and isinstance(path[-1], int):
        return "expected a table such as { flag = true }" if names == ["then"] else ""
    if names == ["when.header"] or names[-1:] == ["fields"]:
        names = ["header"]
    return _EXAMPLES.get(names[-1], "") if names else ""


def _as_toml(expected: str) -> str:
    """What pydantic tells of literals, as TOML writes them."""
    written = expected.replace("True", "true").replace("False", "false")
    return written.replace("'", '"')


def _known_keys(model: Any, path: list[str]) -> list[str]:  # noqa: ANN401 - an annotation can be anything
    """The keys of the model that `path` leads to."""
    for part in path:
        model = _step(model, part)
    fields = getattr(model, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _step(model: Any, part: str) -> Any:  # noqa: ANN401 - an annotation can be anything
    fields = getattr(model, "model_fields", {})
    named = {field.alias or name: field for name, field in fields.items()}
    if part in named:
        return _find_model(_written(named[part]))
    return _find_model(model)


def _written(field: FieldInfo) -> Any:  # noqa: ANN401 - an annotation can be anything
    """The type of what stands in a file, which may be read as another one."""
    types = (getattr(each, "json_schema_input_type", None) for each in field.metadata)
    told = (each for each in types if each not in (None, PydanticUndefined))
    return next(told, field.annotation)


def _find_model(annotation: Any) -> Any:  # noqa: ANN401 - an annotation can be anything
    """The model inside `X | None`, `dict[str, X]` and the like, or the annotation."""
    if hasattr(annotation, "model_fields"):
        return annotation
    inner = [_find_model(part) for part in getattr(annotation, "__args__", ())]
    return next((part for part in inner if hasattr(part, "model_fields")), annotation)


def read_toml(path: Path) -> tuple[dict[str, Any], str, list[Problem]]:
    """The tables of a file, its text, and what is wrong with it."""
    try:
        if path.stat().st_mode & stat.S_IWOTH:
            return {}, "", [Problem(str(path), _WRITABLE)]
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        return {}, "", [Problem(str(path), f"can't be read: {error.strerror}")]
    except UnicodeDecodeError:
        return {}, "", [Problem(str(path), "expected UTF-8")]
    try:
        return tomllib.loads(text), text, []
    except tomllib.TOMLDecodeError as error:
        return {}, text, [Problem(str(path), f"it is no TOML: {error}")]
