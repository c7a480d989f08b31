"""The desk does what it is asked for, and tells those who must know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from postroom.errors import PermanentError
from postroom.ports import (
    Decision,
    DeliveryState,
    EffectState,
    Hold,
    HoldKind,
    PerformResult,
)
from postroom.rules.effects import Perform, Send
from postroom.service.control import WrongRequest
from postroom.service.desk import Desk
from postroom.service.deskwork import answering
from postroom.store.retention import Before
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    StillClock,
    decide,
    message,
    outgoing,
    plan,
    with_store,
)

Ask = Callable[..., Awaitable[Any]]
Steps = Callable[[Ask, "Told", SqlStore], Awaitable[None]]


@dataclass
class Told:
    """Controls that keep what they were told, and have holds in the store alone."""

    store: SqlStore
    accounts: tuple[str, ...] = ("home", "work")
    rules: tuple[str, ...] = ("Invoices", "Rest")
    events: list[object] = field(default_factory=list)

    def ring(self, account: str) -> None:
        self.events.append(("ring", account))

    async def look(self, account: str) -> str | None:
        self.events.append(("look", account))
        return {"work": "it is down"}.get(account, "")

    async def hold(self, hold: Hold) -> None:
        await self.store.hold(hold)

    async def release(self, kind: HoldKind, name: str) -> bool:
        return await self.store.release(kind, name)

    async def reload(self) -> list[str]:
        return ["rules.d/1.toml: it is no TOML"]

    @property
    def old_before(self) -> Before:
        """A moment before all that the tests do."""
        return Before(NOON, NOON)

    def ring_sender(self) -> None:
        self.events.append("sender")

    def call(self, places: Iterable[tuple[str, str]]) -> None:
        self.events.append(("call", *sorted(places)))


def at_desk(folder: Path, steps: Steps) -> None:
    """Take the steps at a desk with a store of its own."""

    async def run(store: SqlStore) -> None:
        told = Told(store)
        answer = answering(Desk(store, told, StillClock()))

        async def ask(command: str, **arguments: object) -> object:
            return await answer(command, arguments)

        await steps(ask, told, store)

    with_store(folder / "store.db", run)


def test_all_accounts_are_polled_but_those_that_are_paused(tmp_path: Path) -> None:
    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        assert await ask("poll") == {"accounts": {"home": "", "work": "it is down"}}
        await ask("pause", name="home")
        told.events.clear()
        assert await ask("poll") == {"accounts": {"work": "it is down"}}
        assert told.events == [("look", "work")]

    at_desk(tmp_path, steps)


def test_none_is_polled_if_one_is_not_there(tmp_path: Path) -> None:
    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        with pytest.raises(WrongRequest, match="no account 'wrk'; did you mean 'work'"):
            await ask("poll", accounts=["home", "wrk"])
        assert told.events == []

    at_desk(tmp_path, steps)


def test_a_hold_says_why_and_since_when(tmp_path: Path) -> None:
    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        hold = {"kind": "rule", "reason": "paused by its owner"}
        assert await ask("pause", name="Rest") == {**hold, "since": NOON.isoformat()}

    at_desk(tmp_path, steps)


def test_what_is_held_of_a_rule_that_is_no_more_is_released(tmp_path: Path) -> None:
    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        perform = plan("k", Perform("{}", action="webhook"))
        await decide(store, (message(1), perform))
        held = PerformResult(1, EffectState.HELD, "no plugin brings the action")
        await store.finish_performs([held])
        told.rules = ("Bills",)
        assert await ask("resume", name="Invoices") == {"kind": "rule"}
        assert await store.next_perform() == NOON
        with pytest.raises(WrongRequest, match="no account or rule 'Invoices'"):
            await ask("resume", name="Invoices")

    at_desk(tmp_path, steps)


def test_a_rule_that_failed_keeps_its_reason_and_is_released(tmp_path: Path) -> None:
    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        await store.hold(Hold(HoldKind.RULE, "Rest", "its plugin hung", NOON))
        assert (await ask("pause", name="Rest"))["reason"] == "its plugin hung"
        assert await ask("resume", name="Rest", kind="rule") == {"kind": "rule"}
        assert await store.holds() == []
        with pytest.raises(PermanentError, match="rule 'Rest' is not held"):
            await ask("resume", name="Rest")

    at_desk(tmp_path, steps)


def test_a_resumed_account_is_looked_at(tmp_path: Path) -> None:
    """Paused or not: its credentials may have been refused."""

    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        for _ in range(2):
            assert await ask("resume", name="home") == {"kind": "account"}
        assert told.events == [("ring", "home")] * 2

    at_desk(tmp_path, steps)


def test_the_sender_is_rung_for_what_is_to_be_tried_again(tmp_path: Path) -> None:
    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        people = "ann@example.org", "bob@example.org"
        await decide(store, (message(1), plan("a", Send(outgoing(*people)))))
        ann, bob = (each.id for each in await store.due(NOON, 9))
        held = await ask("outbox hold", states=["queued"], ids=[ann])
        assert sorted(held["done"]) == [ann, bob]
        tried = await ask("outbox retry", ids=[bob, 4711])
        assert tried["done"] == (bob,)
        assert list(tried["refused"]) == ["4711"]
        assert told.events == ["sender"]
        assert (await ask("outbox drop", ids=[ann]))["done"] == (ann,)
        states = {each.id: each.state for each in await store.list_deliveries()}
        assert states == {ann: DeliveryState.WITHDRAWN, bob: DeliveryState.QUEUED}

    at_desk(tmp_path, steps)


def test_mailboxes_are_called_for_what_is_to_be_decided_anew(tmp_path: Path) -> None:
    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        await decide(store)
        await store.see([message(7)], NOON)
        await store.commit(1, [Decision(message(7), failure="x", final=True)], None)
        (found,) = await store.quarantined()
        await ask("quarantine release", ids=[found.id])
        assert told.events == [("call", ("home", "INBOX")), "sender"]
        assert await store.quarantined() == []

    at_desk(tmp_path, steps)


def test_the_problems_of_a_reload_are_passed_on(tmp_path: Path) -> None:
    async def steps(ask: Ask, told: Told, store: SqlStore) -> None:
        assert await ask("reload") == {"problems": ["rules.d/1.toml: it is no TOML"]}

    at_desk(tmp_path, steps)


@pytest.mark.parametrize(
    ("command", "arguments", "told"),
    [
        ("pol", {}, "there is no command 'pol'; did you mean 'poll'?"),
        ("poll", {"accounts": "home"}, "accounts: expected a list of str"),
        ("poll", {"accounts": [7]}, "accounts: expected a list of str"),
        ("pause", {}, "name: expected a text"),
        ("resume", {"name": "home", "kind": "rul"}, "did you mean 'rule'?"),
        ("outbox drop", {"ids": [True]}, "ids: expected a list of int"),
        ("outbox drop", {"ids": ["7"]}, "ids: expected a list of int"),
        ("outbox drop", {"ids": [2**63]}, "ids: expected numbers from 1 to 9223372036"),
        ("outbox drop", {"ids": [0]}, "ids: expected numbers from 1 to 9223372036"),
        ("quarantine release", {"ids": [2**70]}, "ids: expected numbers from 1"),
        ("poll", {"account": []}, "no argument 'account'; did you mean 'accounts'?"),
        ("reload", {"hard": True}, "no argument 'hard'; there are: none"),
        ("outbox drop", {"states": ["faild"]}, "did you mean 'failed'?"),
    ],
)
def test_a_wrong_request_is_told(
    tmp_path: Path, command: str, arguments: dict[str, object], told: str
) -> None:
    async def steps(ask: Ask, _: Told, store: SqlStore) -> None:
        with pytest.raises(WrongRequest) as wrong:
            await ask(command, **arguments)
        assert told in str(wrong.value)

    at_desk(tmp_path, steps)
