"""Rules that are held: by failing, by a missing plugin, by their owner."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from postroom.mail.message import Message
from postroom.ports import PAUSED, HoldKind
from postroom.rules.effects import FileInto
from postroom.rules.rule import Rule
from postroom.service.holds import Holds
from tests.builders import make_raw
from tests.service.mailbox import MemoryMailbox
from tests.service.processing import AtDesk, Desk, is_bad, rule

MOVE = FileInto("A")


def put(mailbox: MemoryMailbox, *subjects: str) -> None:
    """Put messages with these subjects into the mailbox."""
    mailbox.put(*(make_raw(subject=subject) for subject in subjects))


def test_a_rule_that_fails_at_one_message_goes_on_with_others(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, "bad", "good", "bad", "good", "bad", "good")
        processor = desk.processor(rule(MOVE, header=is_bad))
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [2, 4, 6]}
        assert desk.holds.rules == {}
        assert [desk.states()[uid] for uid in (1, 3, 5)] == ["seen"] * 3

    at_desk(steps)


def test_a_rule_that_fails_at_three_messages_in_a_row_is_held(at_desk: AtDesk) -> None:
    """The three have lost an attempt each, and what comes after them none."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, "bad", "bad", "bad")
        first = rule(FileInto("B"), name="first", header=lambda m: m.subject == "mine")
        processor = desk.processor(first, rule(MOVE, header=is_bad))
        await processor.catch_up(mailbox)
        assert "it failed at 3 messages: test: header" in desk.holds.rules["it"]
        put(mailbox, "good", "mine")
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"B": [5]}
        summary = await desk.store.summary()
        (hold,) = summary.holds
        assert (hold.name, hold.kind) == ("it", HoldKind.RULE)
        assert summary.waiting == {"it": 4}

    at_desk(steps)


def test_what_waits_is_not_fetched_again_and_again(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, *["good"] * 20)
        await desk.holds.hold(HoldKind.RULE, "it", "it fails")
        processor = desk.processor(rule(MOVE))
        await processor.catch_up(mailbox)
        fetched = len([call for call in mailbox.calls if call.verb == "headers"])
        await processor.catch_up(mailbox)
        await processor.catch_up(mailbox)
        again = len([call for call in mailbox.calls if call.verb == "headers"])
        assert again == fetched == 1
        assert await desk.holds.release(HoldKind.RULE, "it")
        await processor.catch_up(mailbox)
        assert len(mailbox.placed["A"]) == 20

    at_desk(steps)


def test_waiting_costs_no_attempt(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, "good")
        processor = desk.processor(rule(MOVE))
        for _ in range(5):
            await desk.holds.hold(HoldKind.RULE, "it", "paused")
            await processor.catch_up(mailbox)
            assert await desk.holds.release(HoldKind.RULE, "it")
        await desk.holds.hold(HoldKind.RULE, "it", "paused")
        await processor.catch_up(mailbox)
        assert desk.states() == {1: "seen"}
        await desk.holds.release(HoldKind.RULE, "it")
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1]}

    at_desk(steps)


def test_a_hold_outlives_a_restart_and_a_rule_that_is_gone_holds_nothing(
    at_desk: AtDesk,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        await desk.holds.hold(HoldKind.RULE, "it", "paused")
        put(mailbox, "good")
        await desk.processor(rule(MOVE)).catch_up(mailbox)
        later = Holds(desk.store, desk.clock)
        await later.open([rule(MOVE)])
        assert later.rules == {"it": "paused"}
        await later.open([rule(MOVE, name="other")])
        assert later.rules == {}
        assert await desk.store.holds() == []
        desk.holds = later
        await desk.processor(rule(MOVE, name="other")).catch_up(mailbox)
        assert mailbox.placed == {"A": [1]}

    at_desk(steps)


def test_a_rule_whose_plugin_is_missing_is_held_until_it_is_there(
    at_desk: AtDesk,
) -> None:
    whole: Rule = rule(MOVE)
    lacking = replace(whole, lacks="condition weekend: plugin acme is not installed")

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        put(mailbox, "good")
        await desk.holds.open([lacking])
        await desk.processor(lacking).catch_up(mailbox)
        (hold,) = await desk.store.holds()
        assert "plugin acme is not installed" in hold.reason
        assert mailbox.placed == {}
        await desk.holds.open([whole])
        await desk.processor(whole).catch_up(mailbox)
        assert mailbox.placed == {"A": [1]}
        assert await desk.store.holds() == []

    at_desk(steps)


def test_a_paused_rule_stays_paused_when_its_plugin_comes_and_goes(
    at_desk: AtDesk, tmp_path: Path
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        await desk.holds.hold(HoldKind.RULE, "it", "paused by its owner")
        await desk.holds.open([replace(rule(MOVE), lacks="it all")])
        await desk.holds.open([rule(MOVE)])
        assert desk.holds.rules == {"it": "paused by its owner"}

    at_desk(steps)


def test_what_is_not_for_a_paused_rule_goes_on_and_nothing_passes_a_failing_one(
    at_desk: AtDesk,
) -> None:
    """A paused rule can be asked; of one that fails nobody knows whom it is for."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        first = rule(MOVE, name="first", header=lambda m: m.subject == "mine")
        processor = desk.processor(first, rule(FileInto("B"), name="second"))
        await desk.holds.hold(HoldKind.RULE, "first", PAUSED)
        put(mailbox, "mine", "yours")
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"B": [2]}
        await desk.holds.release(HoldKind.RULE, "first")
        await processor.catch_up(mailbox)
        await desk.holds.hold(HoldKind.RULE, "first", "it fails")
        put(mailbox, "yours")
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"B": [2], "A": [1]}
        assert desk.states()[3] == "seen"

    at_desk(steps)


def test_a_rule_that_is_disabled_holds_nothing_any_more(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        await desk.holds.hold(HoldKind.RULE, "it", "it fails")
        put(mailbox, "good")
        await desk.processor(rule(MOVE)).catch_up(mailbox)
        await desk.holds.open([replace(rule(MOVE), enabled=False)])
        assert await desk.store.holds() == []
        await desk.processor(rule(FileInto("B"), name="other")).catch_up(mailbox)
        assert mailbox.placed == {"B": [1]}

    at_desk(steps)


def test_a_paused_rule_that_fails_is_asked_no_more_and_costs_no_attempt(
    at_desk: AtDesk,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        await desk.holds.hold(HoldKind.RULE, "it", PAUSED)
        put(mailbox, *["bad"] * 5)
        processor = desk.processor(rule(MOVE, header=is_bad))
        for _ in range(3):
            await processor.catch_up(mailbox)
        assert set(desk.states().values()) == {"seen"}
        assert desk.holds.paused == frozenset()
        assert (await desk.store.summary()).waiting == {"it": 5}

    at_desk(steps)


def test_a_paused_rule_that_hangs_is_asked_once(at_desk: AtDesk) -> None:
    never, asked = threading.Event(), list[int]()

    def hang(message: Message) -> bool:
        asked.append(message.key.uid)
        return never.wait()

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        await desk.holds.hold(HoldKind.RULE, "it", PAUSED)
        put(mailbox, *["good"] * 5)
        processor = desk.processor(rule(MOVE, header=hang), deadline=0.1)
        await processor.catch_up(mailbox)
        put(mailbox, "good")
        await processor.catch_up(mailbox)
        assert asked == [1]
        assert (await desk.store.summary()).waiting == {"it": 6}

    try:
        at_desk(steps)
    finally:
        never.set()
