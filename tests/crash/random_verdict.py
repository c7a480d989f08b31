"""What the server that takes mail knows: what was lost, and what was sent twice, why.

Invariant: a message may go out again only if nobody can know that it was taken. Its
acceptance was then the last word on its connection, and either never reached the
daemon or came as the daemon was killed. One that was followed by more was read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.crash.random_letters import BOOKS, Letter, number_of
from tests.servers.sink import Received, acceptance

# In seconds: what lies between an octet at a server and the same at the daemon.
NEAR = 1.0


@dataclass(frozen=True)
class Sent:
    """A message that was taken: for which letter, whether it answers it or passes it
    on, and whether the acceptance may not have been read or not been noted."""

    number: int
    answers: bool
    raw: bytes
    in_doubt: bool


@dataclass(frozen=True)
class Verdict:
    """The numbers of the letters with which something is wrong; `excused` are those
    that went out again from within the window of the final dot, once for each time."""

    lost: Sequence[int]
    repeated: Sequence[int]
    excused: Sequence[int]
    answered_again: Sequence[int]
    unanswered: Sequence[int]
    altered: Sequence[int]

    def problems(self, unknown: int) -> Iterator[str]:
        """All that must not be, where the ends of so many deliveries are unknown."""
        yield from (f"letter {n} was not forwarded" for n in self.lost)
        yield from (f"letter {n} was forwarded again" for n in self.repeated)
        yield from (f"letter {n} was answered again" for n in self.answered_again)
        yield from (f"letter {n} was forwarded in other octets" for n in self.altered)
        if len(self.unanswered) > unknown:
            yield f"never answered, with {unknown} unknown: {list(self.unanswered)}"


def read_sent(
    received: Sequence[Received],
    heard: bytes,
    kills: Sequence[float],
    letters: Mapping[int, Letter],
) -> list[Sent]:
    """What was taken, in order; `heard` is all that was passed on to the daemon, which
    was killed at these times."""
    last = {one.connection: place for place, one in enumerate(received)}
    found = []
    for place, one in enumerate(received):
        unread = f"{acceptance(place)}\r\n".encode() not in heard
        killed = any(abs(one.at - at) < NEAR for at in kills)
        doubt = last[one.connection] == place and (unread or killed)
        answers = one.recipients != (BOOKS,)
        number = _answered(one) if answers else number_of(one.raw, letters)
        found.append(Sent(number, answers, one.raw, doubt))
    return found


def judge(sent: Iterable[Sent], letters: Iterable[Letter]) -> Verdict:
    """What is wrong with what was sent for these letters."""
    forwards: defaultdict[int, list[Sent]] = defaultdict(list)
    answers: defaultdict[int, list[Sent]] = defaultdict(list)
    for one in sent:
        (answers if one.answers else forwards)[one.number].append(one)
    kinds = {letter.number: letter.kind for letter in letters}
    asked = {number for number, kind in kinds.items() if kind.forwarded}
    to_answer = {number for number, kind in kinds.items() if kind.answered}
    again = [one for each in forwards.values() for one in each[:-1]]
    return Verdict(
        lost=sorted(asked - set(forwards)),
        repeated=[
            *(one.number for one in again if not one.in_doubt),
            *sorted(set(forwards) - asked),
        ],
        excused=[one.number for one in again if one.in_doubt],
        answered_again=[
            *(number for number, each in answers.items() if len(each) > 1),
            *sorted(set(answers) - to_answer),
        ],
        unanswered=sorted(to_answer - set(answers)),
        altered=[
            n for n, each in forwards.items() if len({one.raw for one in each}) > 1
        ],
    )


def _answered(one: Received) -> int:
    """The number of the letter that was answered, which its sender's address has."""
    name = one.recipients[0].partition("@")[0]
    return int(name.removeprefix("ann"))
