"""Requests in JSON, as they come in at the control socket, brought to the desk.

Invariant: arguments are checked here, so that the desk gets what it is written for;
what nobody asked about is refused, and so never logged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeVar

from postroom.config.problems import nearest
from postroom.ports import DeliveryState, HoldKind
from postroom.service.control import Answer, Arguments, WrongRequest
from postroom.service.desk import Chosen, Desk, Outcome

_LARGEST_ID = 2**63 - 1  # what the store's numbers go up to

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)


def answering(desk: Desk) -> Answer:
    """What answers requests at this desk; raises `WrongRequest`."""

    async def answer(command: str, arguments: Arguments) -> object:
        work = _WORK.get(command)
        if work is None:
            raise WrongRequest(nearest(command, _WORK, "command"))
        _require_known(arguments, work.arguments)
        return await work.do(desk, Given(arguments))

    return answer


class Given:
    """The arguments of a request, of the types they must have."""

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments

    @property
    def name(self) -> str:
        """The name of an account or a rule."""
        return self._text("name")

    @property
    def address(self) -> str:
        """A mail address."""
        return self._text("address")

    @property
    def kind(self) -> HoldKind | None:
        """Whether the name is an account's or a rule's; None if that is left open."""
        if self._arguments.get("kind") is None:
            return None
        return _read_word(HoldKind, "kind", self._text("kind"))

    @property
    def accounts(self) -> list[str]:
        """The names of accounts."""
        return self._list("accounts", str)

    @property
    def ids(self) -> list[int]:
        """The numbers of deliveries or messages."""
        ids = self._list("ids", int)
        if all(0 < each <= _LARGEST_ID for each in ids):
            return ids
        raise WrongRequest(f"ids: expected numbers from 1 to {_LARGEST_ID}")

    @property
    def chosen(self) -> Chosen:
        """The deliveries that are meant."""
        words = self._list("states", str)
        states = [_read_word(DeliveryState, "states", word) for word in words]
        return Chosen(self.ids, states)

    def _text(self, name: str) -> str:
        text = self._arguments.get(name)
        if not isinstance(text, str):
            raise WrongRequest(f"{name}: expected a text")
        return text

    def _list(self, name: str, kind: type[T]) -> list[T]:
        values = self._arguments.get(name, [])
        # To Python a truth is a number, and here it is not.
        if isinstance(values, list) and all(type(each) is kind for each in values):
            return values
        raise WrongRequest(f"{name}: expected a list of {kind.__name__}")


def _require_known(arguments: Iterable[str], known: Iterable[str]) -> None:
    for name in arguments:
        if name not in known:
            raise WrongRequest(nearest(name, known, "argument"))


def _read_word(words: type[Word], name: str, value: str) -> Word:
    try:
        return words(value)
    except ValueError as error:
        told = nearest(value, map(str, words), "word")
        raise WrongRequest(f"{name}: {told}") from error


async def _poll(desk: Desk, given: Given) -> object:
    return {"accounts": await desk.poll(given.accounts)}


async def _pause(desk: Desk, given: Given) -> object:
    hold = await desk.pause(given.name)
    since = hold.since.isoformat()
    return {"kind": hold.kind, "reason": hold.reason, "since": since}


async def _resume(desk: Desk, given: Given) -> object:
    return {"kind": await desk.resume(given.name, given.kind)}


async def _reload(desk: Desk, given: Given) -> object:
    return {"problems": await desk.reload()}


async def _retry(desk: Desk, given: Given) -> object:
    return _tell(await desk.retry(given.chosen))


async def _hold(desk: Desk, given: Given) -> object:
    return _tell(await desk.hold(given.chosen))


async def _drop(desk: Desk, given: Given) -> object:
    return _tell(await desk.drop(given.chosen))


async def _release_messages(desk: Desk, given: Given) -> object:
    await desk.release_messages(given.ids)
    return None


async def _prune(desk: Desk, given: Given) -> object:
    return asdict(await desk.prune())


async def _erase(desk: Desk, given: Given) -> object:
    return (await desk.erase(given.address)).counts


def _tell(outcome: Outcome) -> object:
    refused = {str(each.id): each.reason for each in outcome.refused}
    return {"done": outcome.done, "refused": refused}


@dataclass(frozen=True)
class _Work:
    """What a command does, and the names of its arguments."""

    do: Callable[[Desk, Given], Awaitable[object]]
    arguments: tuple[str, ...] = ()


_CHOSEN = ("ids", "states")
_WORK: Mapping[str, _Work] = {
    "poll": _Work(_poll, ("accounts",)),
    "pause": _Work(_pause, ("name",)),
    "resume": _Work(_resume, ("name", "kind")),
    "reload": _Work(_reload),
    "outbox retry": _Work(_retry, _CHOSEN),
    "outbox hold": _Work(_hold, _CHOSEN),
    "outbox drop": _Work(_drop, _CHOSEN),
    "quarantine release": _Work(_release_messages, ("ids",)),
    "store prune": _Work(_prune),
    "store erase": _Work(_erase, ("address",)),
}
