"""Arrivals are seen, decided, committed and done, in batches; and nobody is lost."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from postroom.errors import TemporaryError
from postroom.mail.envelope import Envelope, Outgoing
from postroom.mail.message import Message
from postroom.ports import HoldKind
from postroom.rules.effects import FileInto, Send, SetFlags, Window
from postroom.rules.rule import Rule
from postroom.service.batches import BatchSizes
from postroom.service.events import MessageFailed, MessageHandled
from tests.builders import make_raw
from tests.service.mailbox import NOON, MemoryMailbox
from tests.service.processing import AtDesk, Desk, is_bad, rule

FLAG = SetFlags(add=frozenset({"\\Flagged"}))


def test_an_answer_that_is_not_sent_is_told_of(at_desk: AtDesk) -> None:
    """The line of the second message would else say that it is sent."""
    window = Window("away", "ann@example.org", timedelta(days=7))
    envelope = Envelope("me@ours.example", ("ann@example.org",))
    answer = Send(Outgoing("home", envelope, b"Hi.\r\n", "<a@b>"), window)

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(), make_raw())
        with capture_logs() as lines:
            await desk.processor(rule(answer, name="away")).catch_up(mailbox)
        (told,) = [line for line in lines if line["event"] == "reply_not_sent"]
        assert (told["account"], told["mailbox"], told["uid"]) == ("home", "INBOX", 2)
        assert told["rule"] == "away"
        detail = f"not sent: ann@example.org was answered on {NOON:%Y-%m-%d}"
        assert told["detail"] == detail

    at_desk(steps)


# -- batches ---------------------------------------------------------------------------


def test_a_backlog_is_taken_in_batches_that_grow(at_desk: AtDesk) -> None:
    """250, 500, 1000 and again 1000 at the most; one FETCH and one MOVE for each."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 2850)
        await desk.processor(rule(FileInto("A"))).catch_up(mailbox)
        for verb in ("headers", "move"):
            sizes = [len(call.uids) for call in mailbox.told(verb)]
            assert sizes == [250, 500, 1000, 1000, 100], verb
        assert mailbox.told("contents") == []
        assert await desk.cursor() == (7, 2850)
        assert set(desk.states().values()) == {"acknowledged"}

    at_desk(steps)


def test_bodies_are_fetched_only_of_the_undecided_and_in_chunks_by_octets(
    at_desk: AtDesk,
) -> None:
    rules = (
        rule(FileInto("Lists"), name="h", header=lambda m: m.header.has("List-Id")),
        rule(FLAG, name="b", body=lambda m: "urgent" in m.text),
    )

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        for number in range(6):
            more = {"list_id": "<x>"} if number == 2 else {}
            body = "urgent\r\n" if number == 5 else "no\r\n"
            mailbox.put(make_raw(body, **more), size=40)
        sizes = BatchSizes(octets=100)
        await desk.processor(*rules, sizes=sizes).catch_up(mailbox)
        fetched = [call.uids for call in mailbox.told("contents")]
        assert fetched == [(1, 2), (4, 5), (6,)]
        assert mailbox.placed == {"Lists": [3]}
        assert [uid for uid, m in mailbox.mail.items() if m.flags] == [6]

    at_desk(steps)


def test_a_message_larger_than_a_chunk_is_fetched_alone(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        for size in (10, 5000, 10):
            mailbox.put(make_raw(), size=size)
        processor = desk.processor(
            rule(FLAG, body=lambda m: True), sizes=BatchSizes(octets=100)
        )
        await processor.catch_up(mailbox)
        assert [call.uids for call in mailbox.told("contents")] == [(1,), (2,), (3,)]

    at_desk(steps)


def test_the_cursor_is_committed_with_the_last_chunk(at_desk: AtDesk) -> None:
    """A break between two chunks leaves it where it was; what was decided is kept."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 3)
        lost = TemporaryError("cut")

        def cut_second() -> None:
            if len(mailbox.told("contents")) == 2:
                raise lost

        mailbox.before["contents"] = cut_second
        processor = desk.processor(
            rule(FileInto("A"), body=lambda m: True), sizes=BatchSizes(octets=1)
        )
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        assert await desk.cursor() == (7, 0)
        assert desk.states() == {1: "decided", 2: "seen", 3: "seen"}
        assert mailbox.told("move") == []
        mailbox.before.clear()
        await processor.catch_up(mailbox)
        assert await desk.cursor() == (7, 3)
        assert sorted(mailbox.placed["A"]) == [1, 2, 3]

    at_desk(steps)


def test_effects_are_done_after_all_plans_of_the_batch_are_committed(
    at_desk: AtDesk,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(*[make_raw()] * 5)
        seen: list[set[str]] = []
        mailbox.before["flags"] = lambda: seen.append(set(desk.states().values()))
        await desk.processor(rule(FLAG)).catch_up(mailbox)
        assert seen == [{"decided"}]

    at_desk(steps)


def test_the_sender_is_rung_once_mail_to_be_sent_is_committed(at_desk: AtDesk) -> None:
    content = b"Subject: x\r\n\r\n"
    send = Send(Outgoing("home", Envelope("m@o.example", ("a@b.c",)), content, "<1@x>"))

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw())
        await desk.processor(rule(FLAG)).catch_up(mailbox)
        assert desk.rung == []
        mailbox.put(make_raw(), make_raw())
        await desk.processor(rule(send)).catch_up(mailbox)
        assert desk.rung == [1]

    at_desk(steps)


def test_a_message_that_no_rule_wants_is_done_with(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw())
        await desk.processor(rule(FLAG, header=lambda m: False)).catch_up(mailbox)
        assert desk.states() == {1: "acknowledged"}
        assert [event.plan.matched for event in desk.told(MessageHandled)] == [()]

    at_desk(steps)


# -- messages that can't be decided ----------------------------------------------------


def test_a_rule_that_fails_costs_its_message_three_attempts_and_others_nothing(
    at_desk: AtDesk,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(), make_raw(subject="bad"), make_raw())
        processor = desk.processor(rule(FileInto("A"), header=is_bad))
        for state in ("seen", "seen", "quarantined", "quarantined"):
            await processor.catch_up(mailbox)
            assert desk.states() == {1: "acknowledged", 2: state, 3: "acknowledged"}
            assert await desk.cursor() == (7, 3)
        assert list(mailbox.mail) == [2]
        reasons = [event.reason for event in desk.told(MessageFailed)]
        assert len(reasons) == 3
        assert "ZeroDivisionError: the rule's own mistake" in reasons[0]
        assert "test" in reasons[0]

    at_desk(steps)


def test_a_message_has_its_row_before_it_is_decided(at_desk: AtDesk) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        rows: list[dict[int, str]] = []

        def look(message: Message) -> bool:
            rows.append(desk.states())
            return True

        mailbox.put(make_raw(), make_raw())
        await desk.processor(rule(FLAG, header=look)).catch_up(mailbox)
        assert rows == [{1: "seen", 2: "seen"}] * 2

    at_desk(steps)


def test_a_message_that_ends_the_daemon_each_time_is_put_aside(at_desk: AtDesk) -> None:
    """Its attempts were counted before; the fourth time it is not begun again."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(subject="bad"), make_raw())
        (message,) = await mailbox.headers([1])
        await desk.store.see([message], NOON)  # and then it died
        for _ in range(2):
            await desk.store.begin_again(message.key)  # and again
        processor = desk.processor(rule(FileInto("A"), header=is_bad))
        await processor.catch_up(mailbox)
        assert desk.states() == {1: "quarantined", 2: "acknowledged"}
        (failed,) = desk.told(MessageFailed)
        assert "3 times and never ended" in failed.reason

    at_desk(steps)


def test_a_connection_that_is_lost_at_a_suspect_counts_for_nobody(
    at_desk: AtDesk,
) -> None:
    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(), make_raw())
        first, second = await mailbox.headers([1, 2])
        await desk.store.see([first], NOON)  # and then it was killed
        mailbox.failures["contents"] = TemporaryError("cut")
        processor = desk.processor(rule(FileInto("A"), body=lambda m: True))
        with pytest.raises(TemporaryError):
            await processor.catch_up(mailbox)
        told = await desk.store.see([first, second], NOON)
        assert told[first.key].attempts == 1, "that of before"
        assert not told[second.key].begun_before

    at_desk(steps)


def test_connections_that_are_lost_put_no_message_aside(at_desk: AtDesk) -> None:
    """They say nothing about the message that was being fetched."""

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw())
        processor = desk.processor(rule(FileInto("A"), body=lambda m: True))
        for _ in range(5):
            mailbox.failures["contents"] = TemporaryError("cut")
            with pytest.raises(TemporaryError):
                await processor.catch_up(mailbox)
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1]}

    at_desk(steps)


def test_a_rule_that_hangs_is_held_and_what_comes_to_it_waits(at_desk: AtDesk) -> None:
    never = threading.Event()

    def hang(message: Message) -> bool:
        return message.subject != "bad" or never.wait()

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(), make_raw(subject="bad"), make_raw(), make_raw())
        processor = desk.processor(rule(FileInto("A"), header=hang), deadline=0.2)
        await processor.catch_up(mailbox)
        assert mailbox.placed == {"A": [1]}
        assert desk.states() == {1: "acknowledged", 2: "seen", 3: "seen", 4: "seen"}
        first, *others = desk.told(MessageFailed)
        assert first.reason == "postroom: deciding took longer than 0.2 s"
        assert {each.reason for each in others} == {
            "rule 'it' is held: postroom: deciding took longer than 0.2 s"
        }
        never.set()
        assert await desk.holds.release(HoldKind.RULE, "it")
        await processor.catch_up(mailbox)
        assert sorted(mailbox.placed["A"]) == [1, 2, 3, 4]

    try:
        at_desk(steps)
    finally:
        never.set()


GARBAGE = [
    b"",
    b"\x00" * 100,
    b"Subject: a\x00b\r\nFrom: \xff\xfe\r\nMessage-ID: <\x00@\xff>\r\n\r\n\x00\xff",
    b"no header at all",
    b"\r\n\r\n\r\n",
    b"Subject: =?utf-8?b?/////w==?=\r\nContent-Type: multipart/mixed\r\n\r\n--",
]


@pytest.mark.parametrize("raw", GARBAGE)
def test_garbage_is_handled_like_any_mail(at_desk: AtDesk, raw: bytes) -> None:
    rules = (
        rule(FLAG, name="h", header=lambda m: "@" in m.subject + m.message_id),
        rule(FileInto("A"), name="b", body=lambda m: bool(m.text) or True),
    )

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(raw, make_raw())
        await desk.processor(*rules).catch_up(mailbox)
        assert mailbox.placed == {"A": [1, 2]}
        assert set(desk.states().values()) == {"acknowledged"}

    at_desk(steps)


def test_a_message_above_the_largest_size_is_decided_by_its_headers(
    at_desk: AtDesk,
) -> None:
    """Its body is not fetched, and the trace says so."""
    rules: tuple[Rule, ...] = (
        rule(FileInto("A"), name="by body", body=lambda m: True),
        rule(FileInto("B"), name="by header", header=lambda m: True),
    )

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.put(make_raw(), size=1001)
        mailbox.put(make_raw(), size=1000)
        await desk.processor(*rules, max_size=1000).catch_up(mailbox)
        assert mailbox.placed == {"A": [2], "B": [1]}
        assert [call.uids for call in mailbox.told("contents")] == [(2,)]
        plans = {e.message.key.uid: e.plan for e in desk.told(MessageHandled)}
        assert "too large" in plans[1].trace[0].note

    at_desk(steps)


def test_a_very_long_header_is_read_with_its_message(at_desk: AtDesk) -> None:
    """A rule about a field far down decides as about any other, in the same order."""
    far = b"X-Filler: " + b"x" * 100 + b"\r\nSubject: far down\r\n\r\nbody\r\n"

    async def steps(desk: Desk, mailbox: MemoryMailbox) -> None:
        mailbox.longest = 50
        mailbox.put(b"Subject: near\r\n\r\nbody\r\n", far, b"Subject: last\r\n\r\n")
        subjects: list[str] = []

        def note(message: Message) -> bool:
            subjects.append(message.subject)
            return True

        await desk.processor(rule(FileInto("A"), header=note)).catch_up(mailbox)
        assert sorted(subjects) == ["far down", "last", "near"]
        assert sorted(mailbox.placed["A"]) == [1, 2, 3]
        assert [call.uids for call in mailbox.told("contents")] == [(2,)]

    at_desk(steps)
