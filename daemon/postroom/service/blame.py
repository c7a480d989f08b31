"""Whether a relay that fails at a message is to blame for it, or the message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from postroom.ports import DueDelivery


@dataclass
class Blame:
    """The messages at which a relay failed, each with how many it had served before."""

    _suspects: dict[int, int] = field(default_factory=dict)
    _served: int = 0

    def is_on(self, message: int) -> bool:
        """True if the relay, which failed at this one, had failed at it before, and has
        served others since: then it is the message that is charged, and nobody stays
        away."""
        return self._served > self._suspects.setdefault(message, self._served)

    def clear(self, message: int) -> None:
        """Note that the relay did not fail at this one."""
        self._suspects.pop(message, None)

    def note_served(self) -> None:
        """Note that the relay has answered for a message."""
        self._served += 1

    def in_order(
        self, due: Iterable[DueDelivery]
    ) -> list[tuple[int, list[DueDelivery]]]:
        """By message; those at which the relay failed last come last, so that a message
        that a relay can't bear does not keep back all others for ever."""
        groups: dict[int, list[DueDelivery]] = {}
        for delivery in due:
            groups.setdefault(delivery.outgoing_id, []).append(delivery)
        return sorted(groups.items(), key=lambda group: group[0] in self._suspects)
