"""Conditions combined: all, any, not; with a third answer where the body is not there.

An answer of None means that the headers leave it open. One condition that answers for
sure can decide the whole, so a body is fetched only where it matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from postroom.errors import TemporaryError
from postroom.mail.message import Depth, Message
from postroom.rules.boundary import Boundary, plugin_code
from postroom.rules.condition import Condition, show_options
from postroom.rules.plan import ConditionTrace

Answer = bool | None
_SEEN_CHARACTERS = 200


@dataclass(frozen=True)
class Named:
    """A condition under the name by which the rule file calls it."""

    name: str
    condition: Condition
    plugin: str = ""

    def ask(self, message: Message, trace: list[ConditionTrace]) -> Answer:
        """Ask the condition, unless it needs a body that is not there."""
        condition = self.condition
        if message.content is None and condition.depth == Depth.FULL:
            return None
        failure = message.ungathered.get(id(condition))
        if isinstance(failure, TemporaryError):
            raise failure
        with self._boundary:
            if failure:
                raise failure
            holds = bool(condition.holds(message))
            seen = str(condition.seen(message))[:_SEEN_CHARACTERS]
        trace.append(ConditionTrace(self._told, holds, seen))
        return holds

    def __str__(self) -> str:
        return self._told

    @cached_property
    def _boundary(self) -> Boundary:
        """What is around the condition's code; made once, too."""
        return plugin_code(self.plugin, self._told)

    @cached_property
    def _told(self) -> str:
        """As the rule file writes it; made once, and not for each message."""
        return f"{self.name} = {show_options(self.condition)}"


@dataclass(frozen=True)
class All:
    """Holds if every one of its parts does; without parts it holds."""

    parts: tuple[Logic, ...]

    def ask(self, message: Message, trace: list[ConditionTrace]) -> Answer:
        """False as soon as one part is; None if one is open."""
        return _ask_until(False, self.parts, message, trace)


@dataclass(frozen=True)
class Either:
    """Holds if one of its parts does; `any` in rule files."""

    parts: tuple[Logic, ...]

    def ask(self, message: Message, trace: list[ConditionTrace]) -> Answer:
        """True as soon as one part is; None if one is open."""
        return _ask_until(True, self.parts, message, trace)


@dataclass(frozen=True)
class Neither:
    """Holds if none of its parts does; `not` in rule files."""

    parts: tuple[Logic, ...]

    def ask(self, message: Message, trace: list[ConditionTrace]) -> Answer:
        """The opposite of whether one of the parts holds."""
        asked: list[ConditionTrace] = []
        answer = _ask_until(True, self.parts, message, asked)
        trace.extend(map(_negate, asked))
        return None if answer is None else not answer


Logic = Named | All | Either | Neither


def _negate(asked: ConditionTrace) -> ConditionTrace:
    return replace(asked, condition=f"not {asked.condition}", holds=not asked.holds)


def _ask_until(
    decisive: bool,
    parts: Sequence[Logic],
    message: Message,
    trace: list[ConditionTrace],
) -> Answer:
    is_open = False
    for part in parts:
        answer = part.ask(message, trace)
        if answer is decisive:
            return decisive
        is_open = is_open or answer is None
    return None if is_open else not decisive
