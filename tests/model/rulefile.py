"""The rules of the model: what is done to letters of each kind, however it is put."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from postroom.hooks.discovery import discover_plugins
from postroom.hooks.plugins import Plugins
from postroom.mail.message import Message
from postroom.rules.rule import Rule
from tests.builders import read_rules
from tests.service.processing import rule as make_rule

KEPT, POISON = "kept", "poison"
_ACTIONS = {
    "filed": '{{ move = "Filed{n}" }}',
    "copied": '{{ copy = "Copies{n}" }}',
    "marked": "{{ flag = true }}",
    "deleted": "{{ delete = true }}",
    "passed": '{{ forward = "books@ours.example" }}',
    "answered": '{{ reply = {{ text = "Back soon ({n}).", handle = "away" }} }}',
    "passed and gone": '{{ forward = "b@ours.example" }}, {{ delete = "forever" }}',
    "all": (
        '{{ forward = "b@ours.example" }}, {{ copy = "Copies{n}" }}, '
        '{{ flag = true }}, {{ move = "Filed{n}" }}'
    ),
}
KINDS = (KEPT, POISON, *_ACTIONS)


@dataclass(frozen=True)
class RuleFile:
    """How the rules are written now: their names, their texts, and their order."""

    names: int = 0
    texts: int = 0
    backwards: bool = False

    def renamed(self) -> RuleFile:
        """The same, each rule by another name."""
        return replace(self, names=self.names + 1)

    def reworded(self) -> RuleFile:
        """The same, other mailboxes and words in them."""
        return replace(self, texts=self.texts + 1)

    def turned(self) -> RuleFile:
        """The same, the last rule first."""
        return replace(self, backwards=not self.backwards)

    def rules(self, is_bad: Callable[[], bool]) -> tuple[Rule, ...]:
        """The rules as they are read; the first fails at poison while it `is_bad`."""
        found = _read(self)
        ordered = found[::-1] if self.backwards else found

        def holds(message: Message) -> bool:
            if is_bad() and message.subject == POISON:
                raise ZeroDivisionError("the rule's own mistake")
            return False

        return (make_rule(name=POISON, header=holds), *ordered)


@cache
def _plugins() -> Plugins:
    return discover_plugins()


@cache
def _read(file: RuleFile) -> tuple[Rule, ...]:
    text = "".join(
        f'[[rule]]\nname = "{kind} {file.names}"\nwhen.subject = {{ is = "{kind}" }}\n'
        f"then = [ {then.format(n=file.texts)} ]\n"
        for kind, then in _ACTIONS.items()
    )
    with tempfile.TemporaryDirectory() as folder:
        return read_rules(Path(folder), text, _plugins())
