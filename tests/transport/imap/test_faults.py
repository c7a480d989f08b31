"""Whatever a server does, what waits ends at once; in doubt the connection ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.rules.effects import SetFlags
from postroom.transport.imap.framing import Limits
from postroom.transport.imap.mailbox import ImapMailbox
from tests.transport.imap.scripted import (
    ALL,
    PATIENT,
    Peer,
    Use,
    account_at,
    meet,
    theatre,
)

COMMANDS: dict[str, Callable[[ImapMailbox], Awaitable[object]]] = {
    "UID SEARCH": lambda mailbox: mailbox.uids_after(0),
    "UID FETCH *": lambda mailbox: mailbox.newest(),
    "UID FETCH 1 (UID FLAGS": lambda mailbox: mailbox.headers([1]),
    "UID FETCH 1 (UID BODY": lambda mailbox: mailbox.contents([1]),
    "UID STORE": lambda mailbox: mailbox.set_flags([1], SetFlags(frozenset({"$x"}))),
    "UID COPY": lambda mailbox: mailbox.copy([1], "x"),
    "UID MOVE": lambda mailbox: mailbox.move([1], "x"),
    "LIST": lambda mailbox: mailbox.trash_name(),
    "UID STORE 1 +FLAGS (\\Deleted)": lambda mailbox: mailbox.expunge([1]),
    "IDLE": lambda mailbox: mailbox.changed(),
}

every_command = pytest.mark.parametrize("command", COMMANDS)


async def reach(peer: Peer, command: str) -> None:
    """Come to the point where this command waits for its answer."""
    # A mailbox with something in it that nobody has looked at needs no waiting.
    await peer.begin(exists=0 if command == "IDLE" else 1)
    await peer.expect(command)


async def used_no_more(mailbox: ImapMailbox) -> None:
    """Check that the connection is gone for good."""
    with pytest.raises(TemporaryError):
        await mailbox.uids_after(0)


def fails(command: str, why: str = ".") -> Use:
    """What a client does whose command is to fail, for a reason that says this."""

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(TemporaryError, match=why):
            await COMMANDS[command](mailbox)
        await used_no_more(mailbox)

    return client


@every_command
@pytest.mark.parametrize("end", ["cut", "reset"])
def test_a_lost_connection_fails_the_command_that_waits(command: str, end: str) -> None:
    async def server(peer: Peer) -> None:
        await reach(peer, command)
        getattr(peer, end)()

    meet(server, fails(command))


def test_a_connection_lost_in_idle_wakes_who_waits() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.expect("IDLE")
        peer.say("+ idling")
        peer.cut()

    meet(server, fails("IDLE"))


def test_a_connection_lost_in_a_literal_fails_the_fetch() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.expect("UID FETCH")
        peer.say("* 1 FETCH (UID 1 BODY[] {100}", "half")
        peer.cut()

    meet(server, fails("UID FETCH 1 (UID BODY"))


@every_command
def test_a_farewell_fails_the_command_that_waits(command: str) -> None:
    async def server(peer: Peer) -> None:
        await reach(peer, command)
        peer.say("* BYE going down")
        await peer.gone()

    meet(server, fails(command))


@every_command
def test_a_late_answer_is_not_waited_for_and_not_taken_for_another(
    command: str,
) -> None:
    async def server(peer: Peer) -> None:
        await reach(peer, command)
        await peer.gone()

    hasty = replace(PATIENT, command=0.05, silence=0.05, idle_done=0.05)
    meet(server, fails(command, "too long"), timings=hasty)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "IDLE"])
def test_a_cancelled_command_ends_the_connection(command: str) -> None:
    reached = asyncio.Event()

    async def server(peer: Peer) -> None:
        await reach(peer, command)
        reached.set()
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        task = asyncio.ensure_future(COMMANDS[command](mailbox))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await used_no_more(mailbox)

    meet(server, client)


def test_a_long_answer_may_take_longer_than_a_silence() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("UID SEARCH")
        for _ in range(8):
            await asyncio.sleep(0.1)
            peer.say("* OK still searching")
        peer.say("* SEARCH 3", f"{tag} OK done")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.uids_after(0) == [3]

    meet(server, client, timings=replace(PATIENT, silence=0.5))


def test_a_server_that_dribbles_for_ever_is_given_up() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.expect("UID SEARCH")
        await peer.flood("* OK still searching")

    hasty = replace(PATIENT, bulk=0.3, silence=0.2)
    meet(server, fails("UID SEARCH", "too long"), timings=hasty)


def test_five_thousand_lines_in_one_burst_are_read() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        lines = (f"* {uid} FETCH (UID {uid} FLAGS ($x))" for uid in range(1, 5_001))
        await peer.answer("UID STORE 1:5000 +FLAGS ($x)", *lines)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        uids = range(1, 5_001)
        changed = await mailbox.set_flags(uids, SetFlags(frozenset({"$x"})))
        assert changed == set(uids)

    meet(server, client)


def test_lower_case_and_lines_beyond_ascii_are_understood() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("UID SEARCH")
        peer.say(b"* \xff\xfe\xe4", b"* OK \xff {5}", "* search 4", f"{tag.lower()} x")
        await peer.gone()

    meet(server, fails("UID SEARCH"))


def test_a_result_in_lower_case_completes_the_command() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID SEARCH", b"* \xff\xfe\xe4", b"* OK \xff {5}", "* search 4", end="ok"
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.uids_after(0) == [4]

    meet(server, client)


def test_a_parenthesis_in_a_string_swallows_nothing() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer(
            "UID FETCH",
            '* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[HEADER]<0> "a: (")',
            "* 3 EXISTS",
            '* 2 FETCH (UID 2 RFC822.SIZE 9 BODY[HEADER]<0> "b: * x")',
        )
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        one, two = await mailbox.headers([1, 2])
        assert (one.header.text("a"), two.header.text("b")) == ("(", "* x")
        await mailbox.changed()  # the EXISTS among them was noticed

    meet(server, client)


@pytest.mark.parametrize(
    "line",
    [
        b"* 1 FETCH (UID 1 BODY[] {2000000000}",
        b"* 1 FETCH (UID 1 BODY[] {-1}",
        b"* 1 FETCH (UID 1 BODY[] {6}\r\nshort)",
        b"* 1 FETCH (UID 1 BODY[] {2}\r\nlong)",
        b"* 1 FETCH (UID 1 BODY[] {0}\r\nx)",
        b"* 1 FETCH (UID 1 {0}\r\n)",
        b"* 1 FETCH (UID 1 BODY[] " + b"(" * 100_000 + b")" * 100_001,
        b"* 1 FETCH (UID 1 BODY[] {18446744073709551616}",
        b"* 1 FETCH (UID 1 BODY[] " + b"(" * 100_000,
        b"* 1 FETCH (UID 1 BODY[]",
        b"* 1 FETCH (UID 99999999999)",
        b"* 1 FETCH (UID 1 BODY[] " + b"x" * 5_000_000,
        b"A9999 OK not a tag of ours",
        b"\xff\xff",
        b"+ go on",
    ],
)
def test_an_answer_that_makes_no_sense_ends_the_connection(line: bytes) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("UID FETCH")
        peer.say(line, f"{tag} OK done")
        await peer.gone()

    meet(server, fails("UID FETCH 1 (UID BODY"))


@pytest.mark.parametrize(
    ("command", "limits", "why"),
    [
        ("UID SEARCH", Limits(responses=100), "too many responses"),
        ("UID SEARCH", Limits(answer=2_000), "end"),
        ("UID FETCH 1 (UID BODY", Limits(octets=2_000), "end"),
    ],
)
def test_an_answer_without_end_ends_the_connection(
    command: str, limits: Limits, why: str
) -> None:
    """What is read takes many times its octets: only messages may be large."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.expect(command)
        await peer.flood("* 1 FETCH (FLAGS ())")

    meet(server, fails(command, why), limits=limits)


def test_a_flood_in_idle_is_kept_nowhere() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("IDLE")
        peer.say("+ idling", *["* 1 FETCH (FLAGS ())"] * 5_000, "* 1 EXISTS")
        assert await peer.line() == "DONE"
        peer.say(f"{tag} OK done")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        await mailbox.changed()

    meet(server, client, limits=Limits(responses=100, octets=2_000))


def test_a_refusal_leaves_the_connection_usable() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID MOVE", end="NO [NOPERM] not there")
        await peer.answer("UID MOVE", end="NO [OVERQUOTA] full")
        await peer.answer("UID MOVE", end="NO no")
        await peer.answer('LIST "" "*"', '* LIST () "/" x')
        await peer.answer("UID SEARCH", "* SEARCH 1")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(PermanentError, match="NOPERM"):
            await mailbox.move([1], "x")
        with pytest.raises(TemporaryError, match="OVERQUOTA"):
            await mailbox.move([1], "x")
        with pytest.raises(PermanentError):
            await mailbox.move([1], "x")
        assert await mailbox.uids_after(0) == [1]

    meet(server, client)


def test_two_commands_at_a_time_are_a_mistake_of_ours() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(ALL)
        tag = await peer.expect("UID SEARCH")
        await asyncio.sleep(0)
        peer.say("* SEARCH", f"{tag} OK done")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(mailbox.uids_after(0))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError):
                await mailbox.uids_after(0)

    meet(server, client)


@pytest.mark.parametrize("size", ["+3", "3+", "0x3", " 3", "3 ", "99999999", "1" * 400])
def test_a_literal_whose_size_is_none_or_too_great_is_not_waited_for(size: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.expect("UID FETCH")
        peer.say(f"* 1 FETCH (UID 1 BODY[] {{{size}}}")
        await peer.gone()

    meet(server, fails("UID FETCH 1 (UID BODY", "literal beyond all bounds"))


def test_a_literal_longer_than_it_was_announced_is_nobodys_content() -> None:
    """What is too much of it is read as a response, and is none."""

    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("UID FETCH")
        peer.say("* 1 FETCH (UID 1 BODY[] {2}", "ab)", "the rest", f"{tag} OK done")
        await peer.gone()

    meet(server, fails("UID FETCH 1 (UID BODY", "not IMAP"))


def test_a_literal_shorter_than_it_was_announced_takes_in_the_answer() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("UID FETCH")
        peer.say("* 1 FETCH (UID 1 BODY[] {40}", "abc)", f"{tag} OK done")
        await peer.gone()

    hasty = replace(PATIENT, silence=0.2)
    meet(server, fails("UID FETCH 1 (UID BODY", "too long"), timings=hasty)


def test_an_empty_literal_is_an_empty_message() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await peer.answer("UID FETCH", "* 1 FETCH (BODY[] {0}", " UID 1)")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.contents([1]) == {1: b""}

    meet(server, client)


def test_an_agreement_to_half_a_command_is_a_lie() -> None:
    """The user's name was announced and never asked for: nobody is logged in."""

    async def play(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer('LOGIN "ann" {3}', end="OK in")
        await peer.gone()

    async def run() -> None:
        async with theatre(play) as port:
            with pytest.raises(TemporaryError, match="was not said to its end"):
                await account_at(port, password="pä").probe()

    asyncio.run(run())
