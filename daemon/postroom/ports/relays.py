"""Mail out: relays, deliveries, and what comes of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from postroom.mail.envelope import Outgoing, Retry


class DeliveryState(StrEnum):
    """The states of a delivery, and the only names for them."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    FAILED = "failed"
    HELD = "held"
    UNKNOWN = "unknown"
    BOUNCED = "bounced"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Receipt:
    """What came of one recipient: the state it leads to, and the server's words.

    `state` is `delivered`, `delayed` (4yz), `failed` (5yz) or `unknown` (no reply after
    the final dot). `code` is 0 where no reply was had. `limit` is True of what is
    `delayed` because the relay takes no more for a day.
    """

    state: DeliveryState
    code: int = 0
    reply: str = ""
    limit: bool = False


class Relay(Protocol):
    """A submission server; keeps its connection between messages."""

    async def send(
        self,
        outgoing: Outgoing,
        recipients: Sequence[str],
        before_dot: Callable[[Sequence[str]], Awaitable[None]],
    ) -> dict[str, Receipt]:
        """Send to these recipients in one transaction; a receipt for each.

        `before_dot` is awaited with the accepted recipients after the content was
        written and before the final dot: from then on a lost connection is `unknown`.
        Raises `TemporaryError` when no transaction came about (connect, TLS, EHLO,
        421), `AuthenticationError` when the credentials are refused; then nothing was
        sent to anyone.
        """

    async def probe(self) -> frozenset[str]:
        """Connect, log in, and tell the server's extensions, each with its parameters:
        `8BITMIME`, `SIZE 10240000`."""

    async def close(self) -> None:
        """Say QUIT and close; never raises."""


@dataclass(frozen=True)
class DueDelivery:
    """A delivery whose time has come. `attempts` counts those that were charged; of
    those so many were `begun` last, and never ended."""

    id: int
    outgoing_id: int
    relay: str
    recipient: str
    attempts: int
    created: datetime
    begun: int = 0


@dataclass(frozen=True)
class DeliveryResult:
    """What came of one delivery's attempt; `next_attempt` is given with `delayed`, and
    with an `unknown` that is to be sent again. `look` is given with an `unknown` that
    is to be looked for first (`Doubt`): when.

    With `charged` False (no transaction came about) the attempt is not counted against
    the delivery. With `ends` False it goes on counting as begun and never ended.
    """

    id: int
    receipt: Receipt
    next_attempt: datetime | None = None
    charged: bool = True
    look: datetime | None = None
    ends: bool = True


@dataclass(frozen=True)
class Doubt:
    """An `unknown` delivery that is to be looked for where its server keeps what was
    submitted, before anything else is done about it.

    `since` is when it became unknown; `interrupted` is True where that was postroom's
    own end. `provable` is False where the message was given to the server without this
    recipient as well: a copy would not tell of him.
    """

    delivery: DueDelivery
    message_id: str
    retry: Retry
    since: datetime
    interrupted: bool
    provable: bool
