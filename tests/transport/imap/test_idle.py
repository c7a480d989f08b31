"""IDLE misses nothing, is proved by round trips, and can be left at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from postroom.errors import TemporaryError
from postroom.transport.imap.mailbox import ImapMailbox
from tests.transport.imap.scripted import ALL, PATIENT, Peer, meet


async def take_idle(peer: Peer) -> str:
    """Let the client idle; the tag."""
    tag = await peer.expect("IDLE")
    peer.say("+ idling")
    return tag


async def end_idle(peer: Peer, tag: str) -> None:
    """Let the client leave IDLE."""
    assert await peer.line() == "DONE"
    peer.say(f"{tag} OK done")


def test_an_arrival_ends_idle_in_order() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await take_idle(peer)
        peer.say("* 1 EXISTS")
        await end_idle(peer, tag)
        await peer.answer("UID SEARCH UID 1:*", "* SEARCH 1")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert mailbox.pushes
        await mailbox.changed()
        assert await mailbox.uids_after(0) == [1]

    meet(server, client)


def test_an_arrival_before_idle_is_not_missed() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=1)
        # It arrives after SEARCH has looked, and is told with its answer.
        await peer.answer("UID SEARCH", "* SEARCH 1", "* 2 EXISTS")
        await peer.answer("UID SEARCH", "* SEARCH 2")
        tag = await take_idle(peer)
        peer.say("* 3 EXISTS")
        await end_idle(peer, tag)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        assert await mailbox.uids_after(0) == [1]
        await mailbox.changed()
        assert await mailbox.uids_after(1) == [2]
        await mailbox.changed()

    meet(server, client)


def test_an_arrival_right_behind_select_is_not_missed() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        tag = await peer.expect("SELECT")
        peer.say("* 0 EXISTS", "* OK [UIDVALIDITY 7] x", f"{tag} OK x", "* 1 EXISTS")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        await mailbox.changed()

    meet(server, client)


@pytest.mark.parametrize(
    "noise",
    [
        "* OK still here",
        "* 2 EXISTS",
        "* 1 EXPUNGE",
        "* 1 FETCH (FLAGS ())",
        "* 0 RECENT",
    ],
)
def test_what_is_no_arrival_wakes_nobody(noise: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=2)
        await peer.answer("UID SEARCH", "* SEARCH 1 2")
        tag = await take_idle(peer)
        peer.say(noise)
        await end_idle(peer, tag)  # the probe, and not the noise: it idles again
        tag = await take_idle(peer)
        peer.say("* 3 EXISTS")
        await end_idle(peer, tag)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        await mailbox.uids_after(0)
        await mailbox.changed()

    meet(server, client, timings=replace(PATIENT, idle_probe=0.1))


def test_one_message_for_another_is_an_arrival() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(exists=2)
        await peer.answer("UID SEARCH", "* SEARCH 1 2")
        tag = await take_idle(peer)
        peer.say("* 1 EXPUNGE", "* 2 EXISTS")
        await end_idle(peer, tag)
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        await mailbox.uids_after(0)
        await mailbox.changed()

    meet(server, client)


def test_a_server_that_does_not_answer_the_probe_is_given_up() -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        await take_idle(peer)
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(TemporaryError, match="dead"):
            await mailbox.changed()
        with pytest.raises(TemporaryError):
            await mailbox.uids_after(0)

    meet(server, client, timings=replace(PATIENT, idle_probe=0.05, idle_done=0.05))


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("OK done", "by itself"),
        ("NO no", "refused"),
        ("NO [UNAVAILABLE] no", "refused"),
    ],
)
def test_a_server_that_ends_idle_by_itself_is_not_asked_in_a_loop(
    end: str, why: str
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await take_idle(peer)
        peer.say(f"{tag} {end}")
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        with pytest.raises(TemporaryError, match=why):
            await mailbox.changed()

    meet(server, client)


async def give_up(
    waiting: asyncio.Future[None], reached: asyncio.Event, twice: bool = False
) -> None:
    """Cancel a wait for changes once the server is where it should be."""
    await reached.wait()
    waiting.cancel()
    if twice:
        await asyncio.sleep(0.05)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("accepted", [True, False], ids=["idling", "asked"])
def test_a_wait_that_is_given_up_leaves_the_connection_usable(accepted: bool) -> None:
    reached = asyncio.Event()

    async def server(peer: Peer) -> None:
        await peer.begin()
        tag = await peer.expect("IDLE")
        reached.set()
        await asyncio.sleep(0 if accepted else 0.1)
        peer.say("+ idling")
        assert await peer.line() == "DONE"
        peer.say("* 1 EXISTS", f"{tag} OK done")
        await peer.answer("UID SEARCH", "* SEARCH 1")
        await peer.end()

    async def client(mailbox: ImapMailbox) -> None:
        await give_up(asyncio.ensure_future(mailbox.changed()), reached)
        await mailbox.changed()  # the arrival meanwhile was noticed
        assert await mailbox.uids_after(0) == [1]

    meet(server, client)


def test_a_wait_that_is_given_up_on_a_dead_server_is_over_in_time() -> None:
    reached = asyncio.Event()

    async def server(peer: Peer) -> None:
        await peer.begin()
        await take_idle(peer)
        reached.set()
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        await give_up(asyncio.ensure_future(mailbox.changed()), reached)
        with pytest.raises(TemporaryError):
            await mailbox.uids_after(0)

    meet(server, client, timings=replace(PATIENT, idle_done=0.05))


def test_who_is_cancelled_twice_waits_no_longer() -> None:
    reached = asyncio.Event()

    async def server(peer: Peer) -> None:
        await peer.begin()
        await take_idle(peer)
        reached.set()
        await peer.gone()

    async def client(mailbox: ImapMailbox) -> None:
        await give_up(asyncio.ensure_future(mailbox.changed()), reached, twice=True)
        with pytest.raises(TemporaryError):
            await mailbox.uids_after(0)

    meet(server, client)


@pytest.mark.parametrize("end", [Peer.cut, Peer.reset], ids=["cut", "reset"])
def test_without_idle_only_the_loss_of_the_connection_ends_the_wait(
    end: Callable[[Peer], None],
) -> None:
    async def server(peer: Peer) -> None:
        await peer.begin(ALL.replace("IDLE", ""))
        await peer.answer("UID SEARCH", "* SEARCH", "* 1 EXISTS")
        await asyncio.sleep(0.05)
        end(peer)

    async def client(mailbox: ImapMailbox) -> None:
        assert not mailbox.pushes
        await mailbox.uids_after(0)
        with pytest.raises(TemporaryError):
            await mailbox.changed()

    meet(server, client)
