"""Bad weather between postroom and its servers, the same again for the same seed."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from tests.servers.chaos import ChaosProxy
from tests.servers.troubled import Fault, Kind, Way

# How often each comes, compared with the others.
_SHARES = {
    Kind.CUT: 6,
    Kind.RESET: 6,
    Kind.HALF_CLOSE: 3,
    Kind.BLACK_HOLE: 2,
    Kind.DRIP: 1,
    Kind.DELAY: 2,
}
_NEW_ONES_HIT = 0.2
_MOST_OCTETS = 4000


@dataclass(frozen=True)
class Weather:
    """What happens to the connections of these proxies: a fault befalls one of those
    that stand, at intervals between these two (in seconds), and some new ones begin
    with one."""

    seed: int
    proxies: Sequence[ChaosProxy]
    between: tuple[float, float]

    def rage(self, until: threading.Event) -> None:
        """Go on until the event is set; then all is calm, but what was cut is cut."""
        rng = random.Random(self.seed)
        for number, proxy in enumerate(self.proxies, 1):
            greet = _Greeting(random.Random(self.seed + number))
            proxy.plan(greet.fault)
        while not until.wait(rng.uniform(*self.between)):
            proxy = rng.choice(self.proxies)
            fault, place = draw(rng), rng.random()
            if standing := proxy.standing:
                proxy.suffer(fault, standing[int(place * len(standing))])
        for proxy in self.proxies:
            proxy.plan(lambda: None)
            proxy.suffer(None)


@dataclass(frozen=True)
class _Greeting:
    """The faults of new connections."""

    rng: random.Random

    def fault(self) -> Fault | None:
        """The fault of the next one."""
        fault, chance = draw(self.rng), self.rng.random()
        return fault if chance < _NEW_ONES_HIT else None


def draw(rng: random.Random) -> Fault:
    """A fault at random, at once or after some octets."""
    (kind,) = rng.choices(list(_SHARES), list(_SHARES.values()))
    way = rng.choice(list(Way))
    after = rng.choice((0, rng.randrange(1, _MOST_OCTETS)))
    return Fault(kind, way, after, _pause(kind, rng.random()))


def _pause(kind: Kind, chance: float) -> float:
    """Half of the black holes are reset after a while, the others stay."""
    if kind is Kind.BLACK_HOLE:
        return 40 * chance if chance < 0.5 else 0
    return 0.002 if kind is Kind.DRIP else chance * 0.3
