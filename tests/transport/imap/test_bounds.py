"""A server that says too much costs little: octets, time, warnings and commands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.ports import Extent
from postroom.transport.imap import responses
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.failures import failure, farewell
from postroom.transport.imap.fetching import fetched
from postroom.transport.imap.framing import Limits
from postroom.transport.imap.mailbox import ImapMailbox
from postroom.transport.imap.protocol import Protocol
from postroom.transport.imap.responses import Code, copied, removed_by
from postroom.transport.imap.wire import segments
from tests.transport.imap.scripted import Peer, account_at, meet, nothing, theatre
from tests.transport.imap.test_faults import used_no_more
from tests.transport.imap.test_protocol import Wire
from tests.transport.imap.test_resuming import examine, letter


def assert_linear(work: Callable[[int], object]) -> None:
    """Sixteen times as much may take sixteen times as long; quadratic is 256."""

    def seconds(length: int) -> float:
        begun = time.process_time()
        work(length)
        return time.process_time() - begun

    quick = max(0.0003, min(seconds(200) for _ in range(3)))
    assert any(seconds(3_200) < 40 * quick for _ in range(3))


# -- words for people ------------------------------------------------------------------

REPEATED = [b"too many ", b"max ", b"max number of ", b"session limit a ", b"sessions "]


@pytest.mark.parametrize("words", REPEATED)
def test_a_farewell_takes_linear_time(words: bytes) -> None:
    assert_linear(lambda times: farewell(words * times, entered=False))


@pytest.mark.parametrize("words", REPEATED)
@pytest.mark.parametrize("command", ["LOGIN", "UID MOVE"])
def test_a_refusal_takes_linear_time(words: bytes, command: str) -> None:
    async def main() -> None:
        def refuse(times: int) -> None:
            exchange = Exchange(command, "A1", [])
            exchange.close(words * times, "NO")
            assert failure(exchange)

        assert_linear(refuse)

    asyncio.run(main())


def test_the_same_alert_is_logged_once_and_no_more_than_ten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    same = ["* OK [ALERT] the disk is full"] * 50
    more = [f"* OK [ALERT] number {number}" for number in range(50)]

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID SEARCH", *same, "* SEARCH")
        await peer.answer("UID SEARCH", *more, *same, "* SEARCH")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        for logged in (1, 10):
            await mailbox.uids_after(0)
            assert len(set(warned(caplog))) == len(warned(caplog)) == logged

    meet(server, client)
    meet(server_of_one_alert, nothing)
    assert len(warned(caplog)) == 11  # each connection has its own


async def server_of_one_alert(peer: Peer) -> None:
    """Warn once."""
    await peer.log_in()
    await peer.select("* OK [ALERT] the disk is full")
    await peer.end()


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The alerts that were logged."""
    messages = [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING
    ]
    return [message for message in messages if "the server warns" in message]


# -- names -----------------------------------------------------------------------------

LONGEST = b"m" * 1_000
# To compare such a name with others takes quadratic time.
MARKS = ("a" + "\u0301\u0316" * 400).encode()


@pytest.mark.parametrize("name", [LONGEST + b"m", MARKS], ids=["long", "marks"])
def test_a_name_that_no_command_could_hold_is_passed_over(name: bytes) -> None:
    found = responses.listed(
        [(b'* LIST () "/" "%s"' % each,) for each in (name, LONGEST, b"Old")]
    )
    assert [each.name for each in found] == [LONGEST, b"Old"]
    told = responses.statuses(
        [(b'* STATUS "%s" (MESSAGES 1)' % each,) for each in (name, b"Old")]
    )
    assert dict(told) == {b"Old": {"MESSAGES": b"1"}}


@pytest.mark.parametrize("name", [LONGEST + b"m", MARKS], ids=["long", "marks"])
def test_a_prefix_that_no_command_could_hold_is_none(name: bytes) -> None:
    said = b'* NAMESPACE (("%s" "/")("own." ".")) (("%s" "/")("user." ".")) NIL'
    names = responses.namespaces([(said % (name, name),)])
    assert names
    assert (names.prefix, names.delimiter, names.foreign) == ("own.", ".", ("user.",))
    assert responses.namespaces([(b'* NAMESPACE (("%s" "/")) NIL NIL' % name,)]) is None


def test_of_very_many_namespaces_some_are_known() -> None:
    others = b"".join(b'("u%d/" "/")' % number for number in range(5_000))
    names = responses.namespaces([(b'* NAMESPACE (("" "/")) (%s) NIL' % others,)])
    assert names
    assert 0 < len(names.foreign) <= 100


@pytest.mark.parametrize("written", [b"NIL", b"nil", b'"NIL"'])
def test_a_mailbox_may_be_called_nil(written: bytes) -> None:
    (found,) = responses.listed([(b'* LIST () "/" %s' % written,)])
    assert found.name == b"NIL"
    ((name, _),) = responses.statuses([(b"* STATUS %s (MESSAGES 1)" % written,)])
    assert name == b"NIL"


# -- answers ---------------------------------------------------------------------------


def test_lines_of_a_fetch_are_bounded_as_any_answer_and_literals_are_not() -> None:
    limits = Limits(line=1_000, answer=2_000, octets=50_000)
    content = "x" * 10_000

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH 1", f"* 1 FETCH (UID 1 BODY[] {{10000}}\r\n{content})"
        )
        await peer.expect("UID FETCH")
        peer.say(*[f"* 1 FETCH (UID 1 X ({'ab ' * 200}))"] * 4)
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.contents([1]) == {1: content.encode()}
        with pytest.raises(TemporaryError, match="without end"):
            await mailbox.contents([1])
        await used_no_more(mailbox)

    meet(server, client, limits=limits)


def test_items_that_are_never_asked_for_are_not_kept() -> None:
    told = fetched([(b"* 1 FETCH (UID 7 X (a b) FLAGS (x) BODY[TEXT] y ENVELOPE ())",)])
    assert told == {7: {"UID": b"7", "FLAGS": (b"x",)}}


def test_messages_that_were_not_asked_for_are_not_kept() -> None:
    """The UIDs need two commands, and each is answered with the same strangers."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        for content in ("one", "two"):
            await peer.answer("UID FETCH", f'* 1 FETCH (UID 9999 BODY[] "{content}")')
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        # Kept, the two contents would be a lie that ends the connection.
        assert await mailbox.contents(range(1, 4_000, 2)) == {}

    meet(server, client)


@pytest.mark.parametrize("more", [b"1,", b"1:2,", b"9"])
def test_a_removal_that_is_too_long_to_be_counted_is_one_of_all(more: bytes) -> None:
    assert removed_by((b"* VANISHED " + more * 70_000,)) > 2**31


@pytest.mark.parametrize("uids", [b"1:500", b"1"])
def test_what_copyuid_tells_again_and_again_is_read_no_further(uids: bytes) -> None:
    taken: list[int] = []

    def codes() -> Iterator[Code]:
        for number in range(100_000):
            taken.append(number)
            yield Code("COPYUID", b"9 %s %s" % (uids, uids))

    assert copied(codes(), range(1, 501)) is None
    assert len(taken) <= 1_001


# -- literals --------------------------------------------------------------------------

LARGE = 64 * 1024 + 1


@pytest.mark.parametrize(
    "said",
    [
        b"* X {%d}\r\n" % LARGE,
        b"* OK hello\r\n* LIST () NIL {%d}\r\n" % LARGE,
        b"* 1 FETCH (BODY[] {%d}\r\n" % LARGE,
    ],
)
@pytest.mark.parametrize("command", [None, "CAPABILITY", "LIST", "UID SEARCH"])
def test_a_large_literal_that_nobody_asked_for_is_not_waited_for(
    said: bytes, command: str | None
) -> None:
    assert isinstance(failed(said, command), TemporaryError)
    assert failed(said.replace(b"%d" % LARGE, b"%d" % (LARGE - 1)), command) is None


def test_a_large_literal_is_taken_where_a_message_is_asked_for() -> None:
    said = b"* OK hello\r\n* 1 FETCH (BODY[] {%d}\r\n" % LARGE
    assert failed(said, "UID FETCH") is None
    ended = b"* OK hello\r\nTAG OK done\r\n* 1 FETCH (BODY[] {%d}\r\n" % LARGE
    assert failed(ended, "UID FETCH") is not None


def test_many_literals_that_nobody_asked_for_are_bounded_as_a_whole() -> None:
    one = b"{100}\r\n" + b"x" * 100
    said = b"* OK hello\r\n* X " + one * 12
    bounds = Limits(answer=1_000)
    assert failed(said, None) is None
    assert failed(said, "UID FETCH", bounds) is None
    assert "without end" in str(failed(said, "LIST", bounds))
    assert "without end" in str(failed(said, None, bounds))


def failed(
    said: bytes, command: str | None, limits: Limits | None = None
) -> TemporaryError | None:
    """What the connection failed with when this was said, if it did."""

    async def main() -> TemporaryError | None:
        loop = asyncio.get_running_loop()
        protocol = Protocol(loop, limits or Limits(), lambda frame: None)
        protocol.connection_made(Wire())
        tag = b""
        if command:
            tag = protocol.begin(command, segments([command.encode()])).tag.encode()
        protocol.data_received(said.replace(b"TAG", tag))
        return protocol.failure

    return asyncio.run(main())


# -- commands --------------------------------------------------------------------------


@pytest.mark.parametrize("capabilities", ["MOVE UIDPLUS", "UIDPLUS"])
def test_too_many_messages_that_look_alike_are_not_looked_at(capabilities: str) -> None:
    """A copy may be among them: nothing is copied again, and nothing is removed."""
    uids = " ".join(str(uid) for uid in range(1, 50_000, 4))

    async def server(peer: Peer) -> None:
        await peer.begin(f"IMAP4rev1 {capabilities}")
        await peer.answer("UID FETCH 3", letter(3))
        await peer.answer("EXAMINE", "* 5 EXISTS", "* OK [UIDVALIDITY 9] fine")
        await peer.answer("UID SEARCH", f"* SEARCH {uids}")
        await peer.select()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match="can't be told"):
            await mailbox.resume(
                {3: Extent(9, 1)}, "Old", move="MOVE" not in capabilities
            )

    meet(server, client)


def test_some_hundred_messages_that_look_alike_are_looked_at() -> None:
    uids = range(1, 501)

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH 3", letter(3))
        await examine(peer, " ".join(map(str, uids)), letter(499))
        await peer.select()
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        found = await mailbox.resume({3: Extent(9, 1)}, "Old", move=False)
        assert [placement.uid for placement in found.copies.values()] == [499]

    meet(server, client)


def test_nothing_is_asked_of_uids_that_can_not_be() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID SEARCH UID 4294967295:*", "* SEARCH 4294967295")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.uids_after(4294967294) == [4294967295]
        assert await mailbox.uids_after(4294967295) == []

    meet(server, client)


def test_challenges_without_end_are_answered_once() -> None:
    async def play(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer(
            "CAPABILITY", "* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN SASL-IR"
        )
        await peer.expect("AUTHENTICATE PLAIN")
        peer.say("+ why")
        assert await peer.line() == ""
        peer.say("+ and why")
        assert await peer.reader.read() == b""

    async def main() -> None:
        async with asyncio.timeout(30), theatre(play) as port:
            with pytest.raises(TemporaryError, match="asked for more"):
                await account_at(port).probe()

    asyncio.run(main())
