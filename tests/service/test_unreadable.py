"""Messages that a server does not give, or that end the connection when it does."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import pytest

from postroom.errors import RefusedForNow, StoreUnavailable, TemporaryError
from postroom.rules.effects import FileInto
from postroom.service.batches import BatchSizes
from postroom.service.events import MessageFailed
from tests.builders import make_raw
from tests.service.mailbox import NOON, MemoryMailbox
from tests.service.processing import AtDesk, Desk, rule


@pytest.mark.parametrize("verb", ["headers", "contents"])
def test_a_message_that_ends_the_connection_each_time_stops_no_other(
    at_desk: AtDesk, verb: str
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 20)
        mailbox.deadly[verb] = {5}
        sizes = BatchSizes(first=20, most=20)
        processor = desk.processor(
            rule(FileInto("A"), body=lambda m: True), sizes=sizes
        )
        for _ in range(8):
            desk.clock.ahead += timedelta(minutes=5)
            try:
                await processor.catch_up(mailbox)
                break
            except TemporaryError:
                continue
        assert sorted(mailbox.placed["A"]) == [uid for uid in range(1, 21) if uid != 5]
        assert desk.states()[5] == "quarantined"
        (failed,) = desk.told(MessageFailed)
        assert failed.reason == "it can't be fetched: the connection is lost"
        assert await desk.cursor() == (7, 20)

    at_desk(steps)


@pytest.mark.parametrize(
    ("verb", "reason"),
    [
        ("headers", "the server does not give it"),
        ("contents", "the server does not give its body"),
    ],
)
def test_a_message_that_is_there_and_not_given_is_recorded_and_not_gone(
    at_desk: AtDesk, verb: str, reason: str
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 3)
        mailbox.hidden[verb] = {2}
        processor = desk.processor(rule(FileInto("A"), body=lambda m: True))
        await processor.catch_up(mailbox)
        assert desk.states() == {1: "acknowledged", 2: "seen", 3: "acknowledged"}
        for _ in range(2):
            await processor.catch_up(mailbox)
        assert desk.states()[2] == "quarantined"
        assert {failed.reason for failed in desk.told(MessageFailed)} == {reason}
        assert mailbox.placed == {"A": [1, 3]}

    at_desk(steps)


def test_a_store_that_can_not_be_written_makes_no_message_unreadable(
    at_desk: AtDesk,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw())
        processor = desk.processor(rule(FileInto("A")))
        for _ in range(5):
            desk.clock.ahead += timedelta(minutes=10)
            mailbox.failures["headers"] = StoreUnavailable("the disk is full")
            with pytest.raises(StoreUnavailable):
                await processor.catch_up(mailbox)
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1]}

    at_desk(steps)


def test_a_message_that_can_not_be_fetched_stops_no_comparison(
    at_desk: AtDesk,
) -> None:
    """After a reset of UIDs all headers are read; what came since is still found."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 5, received=NOON - timedelta(days=9))
        processor = desk.processor(rule(FileInto("A")), adopt_existing=True)
        await processor.catch_up(mailbox)
        mailbox.number_anew()
        mailbox.deadly["headers"] = {103}
        mailbox.put(make_raw(message_id="<new@x>"), received=NOON)
        for _ in range(8):
            desk.clock.ahead += timedelta(minutes=5)
            try:
                await processor.catch_up(mailbox)
                break
            except TemporaryError:
                continue
        assert mailbox.placed == {"A": [106]}

    at_desk(steps)


def test_a_server_that_lists_no_mailboxes_makes_no_message_unreadable(
    at_desk: AtDesk,
) -> None:
    """Where they are to go is no question of what they are."""

    class Unlisted(MemoryMailbox):
        async def meant_by(self, names: Collection[str]) -> dict[str, str]:
            self._take("list")
            return await super().meant_by(names)

    async def steps(desk: Desk, _: MemoryMailbox) -> None:
        mailbox = Unlisted()
        mailbox.put(make_raw())
        processor = desk.processor(rule(FileInto("A")))
        for half_hours in range(1, 13):
            desk.clock.ahead = timedelta(minutes=30 * half_hours)
            mailbox.failures["list"] = RefusedForNow("LIST is refused")
            with pytest.raises(RefusedForNow):
                await processor.catch_up(mailbox)
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1]}

    at_desk(steps)
