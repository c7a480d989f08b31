"""Deciding in a thread of its own, so that slow rules never stall the event loop.

A message that is not decided within its deadline is given up: its thread is left to
itself, the rule that was being asked is asked no more, and the messages after it go to
a new thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from postroom.errors import PluginError, TemporaryError
from postroom.failpoints import Point, reach
from postroom.mail.message import Message
from postroom.rules.boundary import plugin_code
from postroom.rules.decide import Circumstances, NeedsBody, RuleHeld, decide
from postroom.rules.index import Index
from postroom.rules.plan import Plan
from postroom.service.holds import Overdue

Outcome = Plan | NeedsBody | RuleHeld | TemporaryError | PluginError


@dataclass(frozen=True)
class Decider:
    """Decides batches for one account; `deadline` in seconds is for each message."""

    deadline: float = 10

    async def decide(
        self, index: Index, messages: Sequence[Message], circumstances: Circumstances
    ) -> list[Outcome]:
        """An outcome for each message, in order."""
        outcomes: list[Outcome] = []
        while len(outcomes) < len(messages):
            work = _Work(index, messages[len(outcomes) :], circumstances)
            outcomes += await work.finish(self.deadline)
            circumstances = _without_hanging(circumstances, outcomes[-1])
        return outcomes


def _without_hanging(circumstances: Circumstances, last: Outcome) -> Circumstances:
    if isinstance(last, Overdue) and last.rule:
        held = {**circumstances.held, last.rule: str(last)}
        paused = frozenset(circumstances.paused) - {last.rule}
        return replace(circumstances, held=held, paused=paused)
    return circumstances


@dataclass
class _Work:
    """One thread's share: an outcome for each message, until it is given up."""

    index: Index
    messages: Sequence[Message]
    circumstances: Circumstances
    outcomes: list[Outcome] = field(default_factory=list)
    asking: str = ""
    given_up: bool = False

    async def finish(self, deadline: float) -> list[Outcome]:
        """The outcomes up to the last message, or up to the one that took too long."""
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=self._run, args=(loop, done), name="decide", daemon=True
        ).start()
        while not done.is_set():
            before = len(self.outcomes)
            try:
                async with asyncio.timeout(deadline):
                    await done.wait()
            except TimeoutError:
                if len(self.outcomes) == before:
                    return self._give_up(before, deadline)
        return self.outcomes

    def _run(self, loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
        for message in self.messages:
            if self.given_up:
                return
            self.outcomes.append(self._decide(message))
        with suppress(RuntimeError):  # nobody waits: the loop is closed
            loop.call_soon_threadsafe(done.set)

    def _decide(self, message: Message) -> Outcome:
        try:
            with plugin_code("postroom", "deciding"):
                return self._ask(message)
        except PluginError as error:
            return error.with_traceback(None)

    def _ask(self, message: Message) -> Outcome:
        self.asking = ""
        possible = self.index.possible(message)
        try:
            reach(Point.C6)
            plan = decide(possible, message, self.circumstances, self._note)
        except (NeedsBody, RuleHeld, TemporaryError) as outcome:
            # Its frames hold the whole batch, until a collector comes by.
            return outcome.with_traceback(None)
        return replace(plan, passed_over=len(self.index.rules) - len(possible))

    def _note(self, rule: str) -> None:
        self.asking = rule

    def _give_up(self, stuck: int, deadline: float) -> list[Outcome]:
        self.given_up = True
        reason = f"deciding took longer than {deadline:g} s"
        overdue = Overdue("postroom", reason, self.asking or None)
        return [*self.outcomes[:stuck], overdue]
