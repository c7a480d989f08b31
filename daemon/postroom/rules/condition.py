"""What a condition is: a question about a message; its options are its fields."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from postroom.mail.message import Depth, Message
from postroom.rules.clues import Clue
from postroom.rules.options import show_duration
from postroom.rules.services import Services


class Options(BaseModel):
    """What conditions and actions share: frozen fields that are their options.

    The first declared field is the main option: a value that is no table sets it. A
    class without fields takes only `true`. A trailing underscore of a field is dropped
    in rule files (`is_` is `is`). A table is read as options, but with
    `table_is_main = True` it is the value of the main option.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        alias_generator=lambda name: name.removesuffix("_"),
    )

    depth: ClassVar[str] = Depth.FULL
    table_is_main: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _set_main_option(cls, value: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
        main = cls.main_option()
        if main is None:
            if value is not True and value != {}:
                raise ValueError("it has no options: the only value is true")
            return {}
        is_options = isinstance(value, dict) and not cls.table_is_main
        return value if is_options else {main: value}

    @classmethod
    def main_option(cls) -> str | None:
        """The name of the first declared field in rule files; None without one."""
        return next(
            (field.alias or name for name, field in cls.model_fields.items()), None
        )


class Condition(Options):
    """A question about a message; say `depth = "headers"` if they can answer it."""

    @abstractmethod
    def holds(self, message: Message) -> bool:
        """True if the message is one of those the condition means."""

    def seen(self, message: Message) -> str:
        """The value that was looked at, for the trace; empty if there is none."""
        return ""

    def clue(self) -> Clue | None:
        """Patterns without one of which the condition can't hold, if there are any: the
        patterns of all rules are looked for at once, before any condition is asked."""
        return None

    def bounds(self) -> tuple[object, object]:
        """What the value of a message that fits lies between, each None without one:
        so `check` can tell that two conditions of this name exclude each other."""
        return None, None

    async def gather(self, messages: Sequence[Message], services: Services) -> None:
        """Put what `holds` needs from outside into each message's `facts`.

        Called once for a batch, in the order of arrival, within ten seconds.
        """

    @classmethod
    def gathers(cls) -> bool:
        """True if the condition needs something from outside."""
        return cls.gather is not Condition.gather


def dump_options(options: Options) -> str:
    """The options as JSON, from which `model_validate_json` makes the same again."""
    kept = options.model_dump(mode="json", by_alias=True, exclude_unset=True)
    main = options.main_option()
    return json.dumps(kept[main] if options.table_is_main and main in kept else kept)


def show_options(options: Options) -> str:
    """The options as a rule file writes them: the main one alone, or a table."""
    fields = type(options).model_fields
    given = {
        field.alias or name: getattr(options, name)
        for name, field in fields.items()
        if name in options.model_fields_set
    }
    if set(given) <= {options.main_option()}:
        return _show(next(iter(given.values()), True))
    return _show(given)


def _show(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Mapping():
            return (
                "{ " + ", ".join(f"{k} = {_show(v)}" for k, v in value.items()) + " }"
            )
        case tuple() | list() | frozenset():
            items = [_show(item) for item in value]
            return items[0] if len(items) == 1 else f"[{', '.join(items)}]"
        case str():
            return repr(value)
        case timedelta():
            return repr(show_duration(value))
    return str(value)
