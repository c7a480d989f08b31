"""A submission server in memory, which outlives the daemon, and what it has taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from postroom.errors import AuthenticationError, TemporaryError
from postroom.mail.envelope import Outgoing
from postroom.ports import DeliveryState, Receipt
from tests.model.life import Life


class Answer(StrEnum):
    """What comes of one attempt."""

    TAKEN = "250"
    LATER = "451"
    NEVER = "550"
    UNREACHED = "no connection"
    NO_LOGIN = "535"
    CUT_BEFORE = "cut before the dot"
    CUT_TAKEN = "cut after the dot, and it was taken"
    CUT_NOT_TAKEN = "cut after the dot, and it was not taken"


_RECEIPTS = {
    Answer.TAKEN: Receipt(DeliveryState.DELIVERED, 250, "taken"),
    Answer.LATER: Receipt(DeliveryState.DELAYED, 451, "later"),
    Answer.NEVER: Receipt(DeliveryState.FAILED, 550, "never"),
    Answer.CUT_BEFORE: Receipt(DeliveryState.DELAYED, 0, "not sent: cut"),
    Answer.CUT_TAKEN: Receipt(DeliveryState.UNKNOWN, 0, "cut"),
    Answer.CUT_NOT_TAKEN: Receipt(DeliveryState.UNKNOWN, 0, "cut"),
}


@dataclass
class RelayServer:
    """Takes mail, unless it `is_down`; `answers` come first, one an attempt.

    `unknown` counts the messages after whose final dot nobody could know; `offered` has
    the octets of every attempt that came to its content.
    """

    answers: list[Answer] = field(default_factory=list)
    is_down: bool = False
    taken: list[bytes] = field(default_factory=list)
    offered: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    unknown: Counter[bytes] = field(default_factory=Counter)
    _past_dot: bytes = b""

    def note_settled(self) -> None:
        """What came of the last message is on record."""
        self._past_dot = b""

    def note_end(self) -> None:
        """The daemon has ended: what was past its dot is unknown."""
        if self._past_dot:
            self.unknown[self._past_dot] += 1
        self._past_dot = b""

    def take(self, content: bytes, answer: Answer) -> Receipt:
        """The end of an attempt at this."""
        if answer in (Answer.TAKEN, Answer.CUT_TAKEN):
            self.taken.append(content)
        if answer in (Answer.CUT_TAKEN, Answer.CUT_NOT_TAKEN):
            self.unknown[content] += 1
            self._past_dot = b""  # it is counted
        if answer is Answer.NEVER:
            self.refused.append(content)
        return _RECEIPTS[answer]

    def next_answer(self) -> Answer:
        """What comes of the next attempt."""
        if self.is_down:
            return Answer.UNREACHED
        return self.answers.pop(0) if self.answers else Answer.TAKEN

    def begin(self, content: bytes) -> None:
        """The content is written."""
        self.offered.append(content)

    def pass_dot(self, content: bytes) -> None:
        """The final dot is on its way."""
        self._past_dot = content


@dataclass(frozen=True)
class Submission:
    """A daemon's connections to it; implements `ports.Relay`."""

    server: RelayServer
    life: Life

    async def send(
        self,
        outgoing: Outgoing,
        recipients: Sequence[str],
        before_dot: Callable[[Sequence[str]], Awaitable[None]],
    ) -> dict[str, Receipt]:
        """Send to these, as it is answered."""
        self.life.step()
        answer, content = self.server.next_answer(), outgoing.content
        if answer is Answer.UNREACHED:
            raise TemporaryError("no connection")
        if answer is Answer.NO_LOGIN:
            raise AuthenticationError("535 who are you?")
        self.server.begin(content)
        self.life.step()
        await before_dot(recipients)
        if answer is not Answer.CUT_BEFORE:
            self.server.pass_dot(content)
            self.life.step()
        receipt = self.server.take(content, answer)
        self.life.step()
        return dict.fromkeys(recipients, receipt)

    async def probe(self) -> frozenset[str]:
        """It has no extensions."""
        return frozenset()

    async def close(self) -> None:
        """Leave."""
