"""Carrying out what actions want performed: durably, at least once, one lane a plugin.

Invariant: an attempt is recorded before it is made, and its result before the next one
of the same plugin is begun. A plugin that is slow or fails delays its own alone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postroom.errors import (
    ContentError,
    PermanentError,
    PluginError,
    StoreError,
    TemporaryError,
)
from postroom.failpoints import Point, reach
from postroom.hooks.leash import Leash
from postroom.hooks.performing import perform
from postroom.hooks.plugins import Registered
from postroom.log import get_logger
from postroom.ports import Clock, EffectState, OpenPerform, PerformResult, Store
from postroom.ports.stages import FATAL, MOST_BEGINNINGS
from postroom.rules.action import Action
from postroom.rules.effects import tell
from postroom.rules.services import Services
from postroom.service.door import Door
from postroom.service.jumps import always
from postroom.service.retries import RetrySchedule

log = get_logger()

# So many are read at a time, and so many of one plugin taken, that none fills memory.
_PAGE = 200
_ROOM = 200
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
    may_expire: Callable[[], bool] = always
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
                    async for each in self._due():
                        plugin = self._plugin_of(each)
                        if plugin not in lanes:
                            lanes[plugin] = asyncio.Queue(_ROOM)
                            group.create_task(self._serve(lanes[plugin]))
                        if not lanes[plugin].full():
                            self._taken.add(each.id)
                            lanes[plugin].put_nowait(each)
                    await self._rest()
                except TemporaryError as error:  # the store's: its disk is full, say
                    log.warning("store_unavailable", error=str(error))
                    await asyncio.sleep(self.pause)

    async def drain(self) -> None:
        """Perform all that is due now; what is tried again waits."""
        while due := [each async for each in self._due()]:
            lanes: defaultdict[str, list[OpenPerform]] = defaultdict(list)
            for each in due:
                lanes[self._plugin_of(each)].append(each)
            async with asyncio.TaskGroup() as group:
                for lane in lanes.values():
                    group.create_task(self._perform_all(lane))

    async def _due(self) -> AsyncIterator[OpenPerform]:
        """What is due and not taken; page by page, so that the many of one plugin hide
        nothing of another."""
        now, after = self.clock.now(), 0
        while self.door.is_open:
            # What ends while this is read is in the answer, and is due no more.
            taken = set(self._taken)
            page = await self.store.due_performs(now, _PAGE, after)
            for each in page:
                if each.id not in taken:
                    yield each
            if len(page) < _PAGE:
                return
            after = page[-1].id

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
                if self.door.is_open:
                    await self._perform(each)
            except TemporaryError as error:  # the store's
                log.warning("store_unavailable", error=str(error))
                await asyncio.sleep(self.pause)
            finally:
                self._taken.discard(each.id)
                if lane.empty():
                    self._bell.set()

    async def _perform_all(self, lane: Iterable[OpenPerform]) -> None:
        for each in lane:
            if self.door.is_open:
                await self._perform(each)

    async def _perform(self, each: OpenPerform) -> None:
        registered = self.actions.get(each.effect.action)
        if registered is None:
            reason = f"no plugin brings the action {each.effect.action!r} any more"
            await self._finish(each, PerformResult(each.id, EffectState.HELD, reason))
        elif each.begun >= MOST_BEGINNINGS:
            result = PerformResult(each.id, EffectState.HELD, FATAL, begun=each.begun)
            await self._finish(each, result)
        elif await self.store.begin_perform(each.id):
            try:
                result = await self._attempt(each, registered)
            except asyncio.CancelledError:
                # A stop is no beginning without an end.
                await self._record(_again_after_stop(each, self.clock.now()))
                raise
            await self._finish(each, result)

    async def _attempt(
        self, each: OpenPerform, registered: Registered[Action]
    ) -> PerformResult:
        try:
            reach(Point.C8)
            content = await self.store.perform_content(each.id)
            services = self.services_for(registered.plugin, each.key, content)
            left_out = await perform(registered, each.effect, services, self.leash)
            reach(Point.C19)
        except ContentError as error:
            return PerformResult(each.id, EffectState.HELD, str(error))
        except StoreError:
            raise  # without a memory nothing may go on
        except PermanentError as error:
            return PerformResult(each.id, EffectState.FAILED, str(error))
        except (TemporaryError, PluginError) as error:
            again = self._again(each)
            state = EffectState.PLANNED if again else EffectState.FAILED
            return PerformResult(each.id, state, str(error), again)
        return PerformResult(each.id, EffectState.DONE, left_out)

    def _again(self, each: OpenPerform) -> datetime | None:
        attempts, now = each.attempts + 1, self.clock.now()
        return self.schedule.next_attempt(
            attempts, each.created, now, self.random, self.may_expire
        )

    async def _finish(self, each: OpenPerform, result: PerformResult) -> None:
        self.on_settled(await self._record(result))
        _tell(each, result)

    async def _record(self, result: PerformResult) -> frozenset[tuple[str, str]]:
        """Record a result, however long that takes: if it were forgotten, what was
        performed would be performed again."""
        while True:
            try:
                return await self.store.finish_performs([result])
            except TemporaryError as error:
                log.warning("store_unavailable", error=str(error))
                await asyncio.sleep(self.pause)


def _again_after_stop(each: OpenPerform, now: datetime) -> PerformResult:
    return PerformResult(each.id, EffectState.PLANNED, next_attempt=now)


def _tell(each: OpenPerform, result: PerformResult) -> None:
    key = each.message
    event = log.bind(
        account=key.account,
        mailbox=key.mailbox,
        uid=key.uid,
        rule=each.rule,
        action=each.effect.action,
        effect=tell(each.effect),
    )
    if result.state is EffectState.DONE and result.detail:
        event.warning("perform_incomplete", left_out=result.detail)
    elif result.state is EffectState.DONE:
        event.info("performed")
    elif result.next_attempt:
        again_at = result.next_attempt.isoformat()
        event.warning("perform_delayed", error=result.detail, again_at=again_at)
    else:
        event.error(f"perform_{result.state}", error=result.detail)
