"""The rules and accounts that are held: by the owner, or because a plugin fails.

Invariant: a rule that is held is asked no more, whoever decides; what comes to it waits
in the store, and others go on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from postroom.errors import PluginError, StoreUnavailable
from postroom.log import get_logger
from postroom.mail.message import MessageKey
from postroom.ports import PAUSED, Clock, Hold, HoldKind, Store
from postroom.rules.plan import Plan
from postroom.rules.rule import Rule

log = get_logger()

# At one message the message may be to blame; at so many the rule is.
MOST_FAILURES = 3
# What begins like this ends by itself, when the plugin is there again.
_MISSING = "missing: "


class Overdue(PluginError):
    """A rule took longer than it may, and whatever it does is left to itself."""


class Holds:
    """What is held, in memory for those who decide and in the store for good."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._held: dict[HoldKind, dict[str, str]] = {kind: {} for kind in HoldKind}
        self._failures: defaultdict[str, set[MessageKey]] = defaultdict(set)
        self._failing: set[str] = set()

    @property
    def rules(self) -> Mapping[str, str]:
        """The rules that are held, and why."""
        return self._held[HoldKind.RULE]

    @property
    def paused(self) -> frozenset[str]:
        """The rules that are held by their owner, and that nothing is wrong with."""
        return paused_of(self.rules) - self._failing

    @property
    def accounts(self) -> Mapping[str, str]:
        """The accounts that are not watched, and why."""
        return self._held[HoldKind.ACCOUNT]

    async def open(self, rules: Iterable[Rule]) -> None:
        """Take up what was held, for the rules that are enabled now: those that lack a
        plugin are, and those that lacked one and lack none now are not."""
        known = {rule.name: rule for rule in rules if rule.enabled}
        self._held = {kind: {} for kind in HoldKind}
        self._failures.clear()
        self._failing.clear()
        for hold in await self._store.holds():
            self._held[hold.kind][hold.name] = hold.reason
        for name, reason in dict(self.rules).items():
            if reason.startswith(_MISSING) and not _lacks(known.get(name)):
                await self.release(HoldKind.RULE, name)
        for name, rule in known.items():
            if rule.lacks:
                await self.hold(HoldKind.RULE, name, f"{_MISSING}{rule.lacks}")
        await self._store.forget_rules(known)
        self._held[HoldKind.RULE] = {
            name: reason for name, reason in self.rules.items() if name in known
        }

    async def hold(self, kind: HoldKind, name: str, reason: str) -> None:
        """Hold it from now on; the first reason stays. Raises `StoreUnavailable` where
        that can't be noted, and then holds it till the end of the process."""
        if name in self._held[kind]:
            return
        self._held[kind][name] = reason
        log.warning(f"{kind}_held", **{str(kind): name}, reason=reason)
        await self._store.hold(Hold(kind, name, reason, self._clock.now()))

    async def release(self, kind: HoldKind, name: str) -> bool:
        """End a hold, and have what waits for it tried again; False without one."""
        released = await self._store.release(kind, name)
        self._failures.pop(name, None)
        self._failing.discard(name)
        was_held = self._held[kind].pop(name, None) is not None
        if released or was_held:
            log.info(f"{kind}_released", **{str(kind): name})
        return released or was_held

    async def consider(self, key: MessageKey, outcome: object) -> None:
        """Learn from what deciding a message came to: hold the rule that hangs, and the
        one that fails at one message after another."""
        match outcome:
            case Plan(trace=trace) if self._failures:
                for entry in trace:
                    self._failures.pop(entry.rule, None)
            case Overdue(rule=str(rule)):
                await self._hold_failing(rule, str(outcome))
            case PluginError(rule=str(rule)):
                self._failures[rule].add(key)
                if len(self._failures[rule]) >= MOST_FAILURES:
                    reason = f"it failed at {MOST_FAILURES} messages: {outcome}"
                    await self._hold_failing(rule, reason)

    async def _hold_failing(self, rule: str, reason: str) -> None:
        self._failing.add(rule)
        try:
            await self.hold(HoldKind.RULE, rule, reason)
        except StoreUnavailable as error:
            log.warning("store_unavailable", error=str(error))


def paused_of(held: Mapping[str, str]) -> frozenset[str]:
    """Those of the rules that are held by their owner."""
    return frozenset(name for name, reason in held.items() if reason == PAUSED)


def _lacks(rule: Rule | None) -> str:
    return rule.lacks if rule else ""
