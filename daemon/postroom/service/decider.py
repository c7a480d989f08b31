"""Deciding in a thread of its own, so that slow rules never stall the event loop.

A message that is not decided within its deadline is given up: its thread is left to
itself, and the messages after it go to a new one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from postroom.errors import PluginError
from postroom.mail.message import Message
from postroom.rules.boundary import plugin_code
from postroom.rules.decide import Circumstances, NeedsBody, decide
from postroom.rules.plan import Plan
from postroom.rules.rule import Rule

Outcome = Plan | NeedsBody | PluginError


@dataclass(frozen=True)
class Decider:
    """Decides batches for one account; `deadline` in seconds is for each message."""

    rules: Sequence[Rule]
    deadline: float = 10

    async def decide(
        self, messages: Sequence[Message], circumstances: Circumstances
    ) -> list[Outcome]:
        """An outcome for each message, in order."""
        outcomes: list[Outcome] = []
        while len(outcomes) < len(messages):
            waiting = messages[len(outcomes) :]
            work = _Work(self.rules, waiting, circumstances)
            outcomes += await work.finish(self.deadline)
        return outcomes


@dataclass
class _Work:
    """One thread's share: an outcome for each message, until it is given up."""

    rules: Sequence[Rule]
    messages: Sequence[Message]
    circumstances: Circumstances
    outcomes: list[Outcome] = field(default_factory=list)
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
            return self._decide_or_fail(message)
        except PluginError as error:
            return error

    def _decide_or_fail(self, message: Message) -> Outcome:
        with plugin_code("postroom", "deciding"):
            try:
                return decide(self.rules, message, self.circumstances)
            except NeedsBody as needs_body:
                return needs_body

    def _give_up(self, stuck: int, deadline: float) -> list[Outcome]:
        self.given_up = True
        reason = f"deciding took longer than {deadline:g} s"
        return [*self.outcomes[:stuck], PluginError("postroom", reason)]
