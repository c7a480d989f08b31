"""Carrying out what actions want performed: durably, at least once, one lane a plugin.

Invariant: an attempt is recorded before it is made, and its result before the next one
of the same plugin is begun. A plugin that is slow or fails delays its own alone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.errors import PermanentError, PluginError, TemporaryError
from postroom.hooks.leash import Leash
from postroom.hooks.performing import perform
from postroom.hooks.plugins import Registered
from postroom.log import get_logger
from postroom.ports import Clock, EffectState, OpenPerform, PerformResult, Store
from postroom.rules.action import Action
from postroom.rules.services import Services
from postroom.service.door import Door
from postroom.service.retries import RetrySchedule

log = get_logger()

_BATCH = 200
_MINUTES = (1, 5, 10, 20, 40)
# What is performed a day late surprises more than it helps.
_SCHEDULE = RetrySchedule(
    waits=(timedelta(0), *(timedelta(minutes=each) for each in _MINUTES)),
    steady=timedelta(hours=1),
    lifetime=timedelta(days=1),
    least_attempts=6,
)

ServicesFor = Callable[[str, str, bytes | None], Services]


@dataclass
class Performer:
    """Performs what is due, by the actions of these plugins.

    `services_for` gives what a plugin may use, from its name, the key and the octets.
    `on_settled` is told the (account, mailbox) pairs whose held-back expunges may now
    go on. `random` draws from [0, 1).
    """

    store: Store
    clock: Clock
    actions: Mapping[str, Registered[Action]]
    services_for: ServicesFor
    leash: Leash
    on_settled: Callable[[frozenset[tuple[str, str]]], None]
    random: Callable[[], float]
    door: Door = field(default_factory=Door)
    schedule: RetrySchedule = _SCHEDULE
    pause: float = 5
    longest_rest: float = 3600
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _taken: set[int] = field(default_factory=set)

    def ring(self) -> None:
        """Say that there may be something new to perform."""
        self._bell.set()

    async def run(self) -> None:
        """Perform whatever falls due, until cancelled."""
        lanes: dict[str, asyncio.Queue[OpenPerform]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._bell.clear()
                try:
                    for each in await self._due():
                        plugin = self._plugin_of(each)
                        if plugin not in lanes:
                            lanes[plugin] = asyncio.Queue()
                            group.create_task(self._serve(lanes[plugin]))
                        self._taken.add(each.id)
                        lanes[plugin].put_nowait(each)
                    await self._rest()
                except TemporaryError as error:  # the store's: its disk is full, say
                    log.warning("store_unavailable", error=str(error))
                    await asyncio.sleep(self.pause)

    async def drain(self) -> None:
        """Perform all that is due now; what is tried again waits."""
        while due := await self._due():
            lanes: defaultdict[str, list[OpenPerform]] = defaultdict(list)
            for each in due:
                lanes[self._plugin_of(each)].append(each)
            async with asyncio.TaskGroup() as group:
                for lane in lanes.values():
                    group.create_task(self._perform_all(lane))

    async def _due(self) -> list[OpenPerform]:
        if not self.door.is_open:
            return []
        limit = _BATCH + len(self._taken)
        due = await self.store.due_performs(self.clock.now(), limit)
        return [each for each in due if each.id not in self._taken]

    def _plugin_of(self, each: OpenPerform) -> str:
        registered = self.actions.get(each.effect.action)
        return registered.plugin if registered else ""

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(await self._until_next()):
                await self._bell.wait()

    async def _until_next(self) -> float:
        if self._taken or not self.door.is_open:
            return self.longest_rest
        due = await self.store.next_perform()
        if due is None:
            return self.longest_rest
        seconds = (due - self.clock.now()).total_seconds()
        return min(max(seconds, 0), self.longest_rest)

    # -- one lane ----------------------------------------------------------------------

    async def _serve(self, lane: asyncio.Queue[OpenPerform]) -> None:
        while True:
            each = await lane.get()
            try:
                await self._perform(each)
            except TemporaryError as error:  # the store's
                log.warning("store_unavailable", error=str(error))
                await asyncio.sleep(self.pause)
            finally:
                self._taken.discard(each.id)
                self._bell.set()

    async def _perform_all(self, lane: Iterable[OpenPerform]) -> None:
        for each in lane:
            await self._perform(each)

    async def _perform(self, each: OpenPerform) -> None:
        registered = self.actions.get(each.effect.action)
        if registered is None:
            reason = f"no plugin brings the action {each.effect.action!r} any more"
            await self._finish(each, PerformResult(each.id, EffectState.HELD, reason))
            return
        await self.store.begin_perform(each.id)
        await self._finish(each, await self._attempt(each, registered))

    async def _attempt(
        self, each: OpenPerform, registered: Registered[Action]
    ) -> PerformResult:
        try:
            content = await self.store.perform_content(each.id)
            services = self.services_for(registered.plugin, each.key, content)
            await perform(registered, each.effect, services, self.leash)
        except PermanentError as error:
            return PerformResult(each.id, EffectState.FAILED, str(error))
        except (TemporaryError, PluginError) as error:
            again = self._again(each)
            state = EffectState.PLANNED if again else EffectState.FAILED
            return PerformResult(each.id, state, str(error), again)
        return PerformResult(each.id, EffectState.DONE)

    def _again(self, each: OpenPerform) -> datetime | None:
        attempts, now = each.attempts + 1, self.clock.now()
        return self.schedule.next_attempt(attempts, each.created, now, self.random)

    async def _finish(self, each: OpenPerform, result: PerformResult) -> None:
        self.on_settled(await self.store.finish_performs([result]))
        key = each.message
        event = log.bind(
            account=key.account,
            mailbox=key.mailbox,
            uid=key.uid,
            rule=each.rule,
            action=each.effect.action,
        )
        if result.state is EffectState.DONE:
            event.info("performed")
        elif result.next_attempt:
            again_at = result.next_attempt.isoformat()
            event.warning("perform_delayed", error=result.detail, again_at=again_at)
        else:
            event.error(f"perform_{result.state}", error=result.detail)
