"""Texts of a rule with placeholders for what a message says.

Invariant: what the rule says is not touched, and what a message says is one line.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from itertools import takewhile
from typing import ClassVar, Self

from pydantic import ConfigDict, RootModel, model_validator

from postroom.mail.addresses import Address
from postroom.mail.charset import one_line
from postroom.mail.message import Message
from postroom.rules.clocks import in_zone
from postroom.rules.nearest import nearest

_TOKEN = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+")
# Those that are the same in every language, and sort as they run.
_DIRECTIVES = ("%Y", "%m", "%d", "%H", "%j", "%G", "%V", "%y")
_DIRECTIVE = re.compile("|".join(_DIRECTIVES))
_LIST_ID = re.compile(r"<([^<>]*)>")
_LONGEST = 200


def _author(message: Message) -> Address:
    return next(iter(message.header.addresses("From")), Address("", ""))


def _list_id(message: Message) -> str:
    """What is between the angle brackets (RFC 2919, section 2); it is caseless."""
    value = message.header.text("List-Id")
    found = _LIST_ID.findall(value)
    return (found[-1] if found else value).strip().lower()


VALUES: dict[str, Callable[[Message], str]] = {
    "account": lambda message: message.key.account,
    "mailbox": lambda message: message.key.mailbox,
    "from.address": lambda message: _author(message).address.lower(),
    "from.local": lambda message: _author(message).address.rpartition("@")[0].lower(),
    "from.domain": lambda message: _author(message).domain,
    "from.name": lambda message: _author(message).name or _author(message).address,
    "list.id": _list_id,
    "subject": lambda message: message.subject,
}


class Template(RootModel[str]):
    """A text in which `{from.domain}` and the like stand for values of a message, and
    `{date:%Y}` for the time of its arrival; `{{` and `}}` are braces."""

    model_config = ConfigDict(frozen=True)

    names: ClassVar[frozenset[str]] = frozenset(VALUES)

    @model_validator(mode="after")
    def _check_placeholders(self) -> Self:
        for token in self._tokens:
            if token in ("{", "}"):
                raise ValueError(
                    f"a {token} that is meant is written twice: {token * 2}"
                )
            if _is_placeholder(token):
                _check(token[1:-1], self.names)
        return self

    @property
    def outline(self) -> str:
        """The text with an x for each value of a message."""
        return "".join(map(_sketch, self._tokens))

    @property
    def beginning(self) -> str:
        """The text before its first placeholder."""
        return "".join(map(_sketch, takewhile(_is_fixed, self._tokens)))

    @abstractmethod
    def clean(self, value: str, message: Message) -> str:
        """A value as it may stand in the text."""

    def expand(self, message: Message) -> str:
        """The text with the values of this message."""
        return "".join(self._expand(token, message) for token in self._tokens)

    def _expand(self, token: str, message: Message) -> str:
        if not _is_placeholder(token):
            return _sketch(token)
        name, _, form = token[1:-1].partition(":")
        if name == "date":
            return _write_date(form, message)
        value = VALUES[name](message)
        # The name of a mailbox is the owner's, and has levels of its own.
        levels = value.split("/") if name == "mailbox" else [value]
        return "/".join(self.clean(level, message) for level in levels)

    @cached_property
    def _tokens(self) -> tuple[str, ...]:
        return tuple(_TOKEN.findall(self.root))

    def __str__(self) -> str:
        """The text as a rule file writes it."""
        return repr(self.root)


class Wording(Template):
    """What is said to a person, in any number of lines."""

    @model_validator(mode="after")
    def _check_text(self) -> Self:
        if not self.root.strip():
            raise ValueError("expected a text that is not empty")
        return self

    def clean(self, value: str, message: Message) -> str:
        """The beginning of it, on one line."""
        return one_line(value)[:_LONGEST]


class Heading(Wording):
    """What is said to a person on one line."""

    @model_validator(mode="after")
    def _check_line(self) -> Self:
        if one_line(self.root) != self.root.strip():
            raise ValueError("expected one line, without control characters")
        return self


def _is_placeholder(token: str) -> bool:
    return token.startswith("{") and token.endswith("}")


def _is_fixed(token: str) -> bool:
    return not _is_placeholder(token)


def _sketch(token: str) -> str:
    """What is fixed about it."""
    if _is_placeholder(token):
        return token[len("{date:") : -1] if token.startswith("{date:") else "x"
    return token[0] if token in ("{{", "}}") else token


def _check(name: str, known: frozenset[str]) -> None:
    if name.partition(":")[0] == "date":
        _check_date(name.partition(":")[2])
    elif name not in known:
        raise ValueError(nearest(name, {*known, "date:%Y"}, "placeholder"))


def _check_date(form: str) -> None:
    if not _DIRECTIVE.search(form) or "%" in _DIRECTIVE.sub("", form):
        known = " ".join(_DIRECTIVES)
        raise ValueError(f"a date is written with {known}, such as {{date:%Y-%m}}")


def _write_date(form: str, message: Message) -> str:
    """In the time zone of the machine, which is the one that its owner lives by."""
    arrived = in_zone(message.received, None)
    return _DIRECTIVE.sub(lambda found: arrived.strftime(found[0]), form)
