"""The desk: what an owner has postroom do, whether the daemon runs or not.

Invariant: names are looked up before anything is changed, and whatever was not done is
told with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from postroom.config.problems import nearest
from postroom.errors import PermanentError
from postroom.ports import PAUSED, Clock, DeliveryState, Hold, HoldKind
from postroom.service.control import WrongRequest
from postroom.store.erasure import Traces
from postroom.store.report import Refusal
from postroom.store.retention import Before, Pruned
from postroom.store.store import SqlStore

# More than anyone names at a time.
_ALL = 100_000
# What is forgotten before whoever asked hears of it.
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Chosen:
    """Which deliveries are meant: those of these numbers, and all in these states."""

    ids: Sequence[int]
    states: Sequence[DeliveryState] = ()


@dataclass(frozen=True)
class Outcome:
    """The deliveries to which it was done, and why not to the others."""

    done: tuple[int, ...]
    refused: tuple[Refusal, ...]

    @classmethod
    def of(cls, ids: Sequence[int], refused: Sequence[Refusal]) -> Outcome:
        """The outcome for these deliveries, some of which were refused."""
        others = {each.id for each in refused}
        return cls(tuple(id_ for id_ in ids if id_ not in others), tuple(refused))


class Controls(Protocol):
    """What a running service lets its owner do."""

    @property
    def accounts(self) -> Collection[str]:
        """The accounts of the settings."""

    @property
    def rules(self) -> Collection[str]:
        """The names of the rules."""

    def ring(self, account: str) -> None:
        """Have every mailbox of the account looked at now, refused credentials tried
        again."""

    async def look(self, account: str) -> str | None:
        """The same, and wait for it: what is wrong, empty if nothing is, and None if
        that is not known in time."""

    async def hold(self, hold: Hold) -> None:
        """Hold a rule or an account from now on, and have the store remember it."""

    async def release(self, kind: HoldKind, name: str) -> bool:
        """End a hold, in the store too, and have what waited for it go on; False if
        there was none."""

    async def reload(self) -> list[str]:
        """Read settings, rules and secrets again; the problems for which all was left
        as it was."""

    @property
    def old_before(self) -> Before:
        """Since when is kept what is done with."""

    def ring_sender(self) -> None:
        """Say that there may be something to send."""

    def call(self, places: Iterable[tuple[str, str]]) -> None:
        """Have what can be done in these (account, mailbox) pairs done."""


class Desk:
    """Carries out what an owner asks for."""

    def __init__(self, store: SqlStore, controls: Controls, clock: Clock) -> None:
        self._store = store
        self._controls = controls
        self._clock = clock

    # -- accounts and rules

    async def poll(self, accounts: Sequence[str]) -> dict[str, str | None]:
        """Have these accounts (or all that are not paused) looked at now; what is wrong
        with each, empty if nothing is, and None if that is not known yet."""
        paused = {hold.name for hold in await self._holds(HoldKind.ACCOUNT)}
        for name in accounts:
            if name not in self._controls.accounts:
                raise WrongRequest(nearest(name, self._controls.accounts, "account"))
            if name in paused:
                raise PermanentError(f"account {name} is paused: resume it first")
        rung = list(dict.fromkeys(accounts)) or sorted(
            set(self._controls.accounts) - paused
        )
        looks = [self._controls.look(name) for name in rung]
        return dict(zip(rung, await asyncio.gather(*looks), strict=True))

    async def pause(self, name: str) -> Hold:
        """Hold an account or a rule; the hold, which may be an earlier one."""
        kind = _kind_of(name, self._known())
        hold = Hold(kind, name, PAUSED, self._clock.now())
        await self._controls.hold(hold)
        return await self._find_hold(kind, name) or hold

    async def resume(self, name: str, kind: HoldKind | None = None) -> HoldKind:
        """End the hold of an account or a rule; which of the two it was.

        An account that is not held is looked at all the same: refused credentials are
        tried again.
        """
        known = self._known()
        for each in await self._store.holds():
            known[each.kind].add(each.name)
        known[HoldKind.RULE] |= await self._store.held_rules()
        kind = _kind_of(name, {kind: known[kind]} if kind else known)
        was_held = await self._controls.release(kind, name)
        if kind is HoldKind.ACCOUNT and name in self._controls.accounts:
            self._controls.ring(name)
        elif not was_held:
            raise PermanentError(f"{kind} {name!r} is not held")
        return kind

    async def reload(self) -> list[str]:
        """Read again what the owner wrote; the problems, for which nothing was
        changed."""
        return await self._controls.reload()

    # -- the outbox and the quarantine

    async def retry(self, chosen: Chosen) -> Outcome:
        """Have deliveries tried now that failed, are held, or are not due yet."""
        ids = await self._resolve(chosen)
        outcome = Outcome.of(ids, await self._store.retry_deliveries(ids))
        self._controls.ring_sender()
        return outcome

    async def hold(self, chosen: Chosen) -> Outcome:
        """Have deliveries that are to be sent wait for their owner."""
        ids = await self._resolve(chosen)
        refused = await self._store.hold_deliveries(ids, "held by its owner")
        return Outcome.of(ids, refused)

    async def drop(self, chosen: Chosen) -> Outcome:
        """Withdraw deliveries: they are never sent."""
        ids = await self._resolve(chosen)
        return Outcome.of(ids, await self._store.drop_deliveries(ids))

    async def release_messages(self, ids: Sequence[int]) -> None:
        """Have quarantined messages go on where they were left: all of these, or
        none."""
        self._controls.call(await self._store.release_quarantined(ids))
        self._controls.ring_sender()

    # -- the store itself

    async def prune(self) -> Pruned:
        """Forget what is old, or a part of it."""
        return await self._store.prune(self._controls.old_before, _AT_ONCE)

    async def erase(self, address: str) -> Traces:
        """Erase what is kept about an address; what that was."""
        return await self._store.erase(address)

    async def _resolve(self, chosen: Chosen) -> list[int]:
        states = chosen.states
        found = await self._store.list_deliveries(states, _ALL) if states else []
        return list(dict.fromkeys([*chosen.ids, *(each.id for each in found)]))

    # -- names

    def _known(self) -> dict[HoldKind, set[str]]:
        controls = self._controls
        return {
            HoldKind.ACCOUNT: set(controls.accounts),
            HoldKind.RULE: set(controls.rules),
        }

    async def _holds(self, kind: HoldKind) -> list[Hold]:
        return [hold for hold in await self._store.holds() if hold.kind == kind]

    async def _find_hold(self, kind: HoldKind, name: str) -> Hold | None:
        held = await self._holds(kind)
        return next((hold for hold in held if hold.name == name), None)


def _kind_of(name: str, known: Mapping[HoldKind, Collection[str]]) -> HoldKind:
    """What the name is that of: the first, as no rule is called like an account."""
    for kind, names in known.items():
        if name in names:
            return kind
    every = {each for names in known.values() for each in names}
    raise WrongRequest(nearest(name, every, " or ".join(known)))
