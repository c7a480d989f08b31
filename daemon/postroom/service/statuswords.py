"""How the daemon stands, in one line for `systemctl status`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from postroom.ports import DeliveryState
from postroom.service.events import WatchChanged, WatchState
from postroom.service.health import RelayState

# An account is at what most needs a look of all that its mailboxes are at.
_WORST_FIRST = (
    WatchState.REFUSED,
    WatchState.RETRYING,
    WatchState.CONNECTING,
    WatchState.WORKING,
    WatchState.IDLE,
    WatchState.POLLING,
)


@dataclass(frozen=True)
class Scene:
    """What the line tells of: the accounts that are looked after, with what was last
    told of their mailboxes; how many are paused; the outbox and its relays; what else
    a person should know."""

    accounts: Mapping[str, Collection[WatchChanged]]
    paused: int = 0
    outbox: Mapping[DeliveryState, int] = field(default_factory=dict)
    is_open: bool = True
    relays: Mapping[str, RelayState] = field(default_factory=dict)
    notices: Collection[str] = ()

    @property
    def waits(self) -> bool:
        """True if a time is counted down to, or mail is on its way out."""
        watches = (each for told in self.accounts.values() for each in told)
        times = {each.retry_at for each in watches}
        times |= {relay.retry_at for relay in self.relays.values()}
        return any(times) or self.leaving > 0

    @property
    def leaving(self) -> int:
        """How many deliveries are on their way out."""
        held = self.outbox.get(DeliveryState.HELD, 0)
        return sum(self.outbox.values()) - held


def tell_scene(scene: Scene, now: datetime) -> str:
    """`3 accounts, 2 idle, 1 retrying in 40 s; outbox 0`."""
    accounts = ", ".join(_tell_accounts(scene, now))
    relays = _tell_relays(scene.relays, now)
    return "; ".join([accounts, _tell_outbox(scene), *relays, *scene.notices])


def _tell_accounts(scene: Scene, now: datetime) -> Iterator[str]:
    number = len(scene.accounts) + scene.paused
    yield f"{number} account{'s' * (number != 1)}"
    at: defaultdict[WatchState, list[str]] = defaultdict(list)
    for name, told in scene.accounts.items():
        at[_worst(told)].append(name)
    for state in reversed(_WORST_FIRST):
        if names := at[state]:
            yield f"{len(names)} {state}{_tell_more(state, names, scene, now)}"
    if scene.paused:
        yield f"{scene.paused} paused"


def _worst(told: Collection[WatchChanged]) -> WatchState:
    """Where nothing was told, nothing is connected yet."""
    states = {each.state for each in told}
    found = (state for state in _WORST_FIRST if state in states)
    return next(found, WatchState.CONNECTING)


def _tell_more(
    state: WatchState, names: Collection[str], scene: Scene, now: datetime
) -> str:
    if state is WatchState.REFUSED:
        return f" ({', '.join(sorted(names))})"
    if state is not WatchState.RETRYING:
        return ""
    watches = (each for name in names for each in scene.accounts[name])
    times = [w.retry_at for w in watches if w.state is state and w.retry_at]
    return _tell_wait(min(times), now) if times else ""


def _tell_outbox(scene: Scene) -> str:
    held = scene.outbox.get(DeliveryState.HELD, 0)
    told = f"outbox {scene.leaving}{f', {held} held' if held else ''}"
    return told if scene.is_open else f"{told}, nothing goes out: hold = true"


def _tell_relays(relays: Mapping[str, RelayState], now: datetime) -> Iterator[str]:
    for name, relay in sorted(relays.items()):
        if relay.last_error and relay.retry_at:
            yield f"relay {name} fails, tried{_tell_wait(relay.retry_at, now)}"


def _tell_wait(at: datetime, now: datetime) -> str:
    """` in 40 s`."""
    seconds = (at - now).total_seconds()
    if seconds < 1:
        return " now"
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f" in {seconds / size:.0f} {unit}"
    return f" in {seconds:.0f} s"
