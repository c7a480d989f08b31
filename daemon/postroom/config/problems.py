"""Complaints in the user's terms: where, what was expected, the nearest name.

Values are never repeated here: one of them could be a secret.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

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


def tell_problems(
    error: ValidationError,
    model: type[BaseModel],
    file: str,
    rule: str | None = None,
    prefix: tuple[str, ...] = (),
) -> Iterator[Problem]:
    """A problem for each complaint about what was read as `model`."""
    for details in error.errors(include_url=False, include_input=False):
        key = _write_path([*prefix, *details["loc"]])
        yield Problem(file, _say(details, model), rule, key or None)


def _write_path(parts: Iterable[str | int]) -> str:
    """`account.home.watch[1]`: items of lists are counted from one."""
    written = (
        f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in parts
    )
    return "".join(written).removeprefix(".")


def _say(details: ErrorDetails, model: type[BaseModel]) -> str:
    kind = details["type"]
    if kind == "extra_forbidden":
        *path, name = map(str, details["loc"])
        return nearest(name, _known_keys(model, path), "key")
    if kind == "value_error":
        return str(details.get("ctx", {}).get("error", details["msg"]))
    if kind == "literal_error":
        expected = str(details.get("ctx", {}).get("expected"))
        # As TOML writes them.
        return f"expected {expected.replace('True', 'true').replace('False', 'false')}"
    return _MESSAGES.get(kind, details["msg"])


def _known_keys(model: Any, path: list[str]) -> list[str]:  # noqa: ANN401 - an annotation can be anything
    """The keys of the model that `path` leads to."""
    for part in path:
        model = _step(model, part)
    fields = getattr(model, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _step(model: Any, part: str) -> Any:  # noqa: ANN401 - an annotation can be anything
    fields = getattr(model, "model_fields", {})
    named = {field.alias or name: field.annotation for name, field in fields.items()}
    if part in named:
        return _find_model(named[part])
    return _find_model(model)


def _find_model(annotation: Any) -> Any:  # noqa: ANN401 - an annotation can be anything
    """The model inside `X | None`, `dict[str, X]` and the like, or the annotation."""
    if hasattr(annotation, "model_fields"):
        return annotation
    inner = [_find_model(part) for part in getattr(annotation, "__args__", ())]
    return next((part for part in inner if hasattr(part, "model_fields")), annotation)


def read_toml(path: Path) -> tuple[dict[str, Any], str, list[Problem]]:
    """The tables of a file, its text, and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        return {}, "", [Problem(str(path), f"can't be read: {error.strerror}")]
    except UnicodeDecodeError:
        return {}, "", [Problem(str(path), "expected UTF-8")]
    try:
        return tomllib.loads(text), text, []
    except tomllib.TOMLDecodeError as error:
        return {}, text, [Problem(str(path), f"it is no TOML: {error}")]
