"""What a Mailbox promises, kept over IMAP, over POP3, and in a local Maildir.

What others see of it: over IMAP what lies on the server, and else what lies in the
Maildir of the account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from postroom.errors import AuthenticationError, PermanentError
from postroom.ports import Mailbox, Placement, Resumed
from postroom.rules.effects import SetFlags
from postroom.transport.tls import Tls
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.transport.imap.served import on_dovecot, on_pymap
from tests.transport.maildir.served import in_maildir
from tests.transport.pop3.served import on_dovecot_pop3, on_maildrop
from tests.transport.served import Serve, Served, letter, opened, subjects, use

SERVERS: dict[str, Serve] = {
    "imap-pymap": on_pymap,
    "pop3-scripted": on_maildrop,
    "maildir": in_maildir,
}
DOVECOTS: dict[str, Callable[[DovecotServer, Certificates], Serve]] = {
    "imap-dovecot": on_dovecot,
    "imap-dovecot-starttls": partial(on_dovecot, tls=Tls.STARTTLS),
    "pop3-dovecot": on_dovecot_pop3,
    "pop3-dovecot-starttls": partial(on_dovecot_pop3, tls=Tls.STARTTLS),
}


@pytest.fixture(params=[*SERVERS, *DOVECOTS])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Accounts of each kind."""
    if request.param in SERVERS:
        return SERVERS[request.param]
    server = request.getfixturevalue("dovecot")
    return DOVECOTS[request.param](server, request.getfixturevalue("certificates"))


def test_messages_are_found_read_and_not_changed(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        uids = await mailbox.uids_after(0)
        assert len(uids) == 3
        assert await mailbox.newest() == uids[-1]
        assert await mailbox.uids_after(uids[0]) == uids[1:]
        assert await mailbox.uids_after(uids[-1]) == []
        found = await mailbox.headers([*reversed(uids), uids[-1] + 7])
        assert [message.key.uid for message in found] == uids
        assert [message.subject for message in found] == ["one", "two", "three"]
        assert all(message.size == len(letter(message.subject)) for message in found)
        assert all(message.received.year >= 2026 for message in found)
        assert {message.key.uidvalidity for message in found} == {mailbox.uidvalidity}
        contents = await mailbox.contents([uids[1], uids[-1] + 7])
        assert contents == {uids[1]: letter("two")}
        inbox = (await served.contents())["INBOX"]
        sent = [letter(subject) for subject in ("one", "two", "three")]
        assert inbox == [(frozenset(), raw) for raw in sent]

    use(serve, story)


def test_an_empty_mailbox_has_nothing(serve: Serve) -> None:
    async def main() -> None:
        async with serve() as served, opened(served.account) as mailbox:
            assert await mailbox.newest() == 0
            assert await mailbox.uids_after(0) == []
            assert await mailbox.headers([1, 2]) == []
            assert await mailbox.contents([1]) == {}
            assert await mailbox.move([1, 2], "Old") == {}

    asyncio.run(main())


def test_a_wait_can_be_given_up_again_and_again(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        uids = await mailbox.uids_after(0)
        for pause in (0, 0.001, 0.01, 0.1):
            waiting = asyncio.ensure_future(mailbox.changed())
            await asyncio.sleep(pause)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await mailbox.uids_after(0) == uids

    use(serve, story)


@pytest.mark.parametrize(
    "target", ["Old", "Invoices/2026", "Entwürfe & Co/台北", "a* b (c)"]
)
def test_a_move_arrives_in_a_mailbox_that_is_made_for_it(
    serve: Serve, target: str
) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, two, three = await mailbox.uids_after(0)
        placed = await mailbox.move([one, three, three + 7], target)
        assert placed.keys() == {one, three}
        assert await mailbox.move([one], target) == {}
        assert await mailbox.uids_after(0) == [two]
        async with opened(served.account, target) as there:
            assert there.uidvalidity == placed[one].uidvalidity
            assert await there.uids_after(0) == [placed[one].uid, placed[three].uid]
        assert await subjects(served, target) == ["one", "three"]

    use(serve, story)


def test_a_copy_leaves_the_message_where_it_is(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, *_ = uids = await mailbox.uids_after(0)
        placed = await mailbox.copy([one, uids[-1] + 7], "Old")
        assert placed.keys() == {one}
        assert placed[one].uid
        assert await mailbox.uids_after(0) == uids
        assert await subjects(served, "Old") == ["one"]

    use(serve, story)


def test_a_copy_that_was_made_before_is_found_again(serve: Serve) -> None:
    async def main() -> None:
        async with serve() as served:
            for name in (f"Message-ID: <{n}@example>\r\n" for n in (1, 2, 2)):
                await served.deliver(name.encode() + letter("x"))
            async with opened(served.account) as mailbox:
                one, two, twin = uids = await mailbox.uids_after(0)
                assert len(await mailbox.headers(uids)) == 3
                before = await mailbox.extent("Old", move=False)
                placed = await mailbox.copy([two], "Old")
                begun = dict.fromkeys(uids, before)
                found = (await mailbox.resume(begun, "Old", move=False)).copies
                # Which twin it is, not every kind can tell.
                assert list(found.values()) == [placed[two]]
                assert found.keys() <= {two, twin}
                assert await mailbox.resume(begun, "Nowhere", move=False) == Resumed()
                here = await mailbox.resume({one: before}, "INBOX", move=False)
                assert not here.copies
                assert await mailbox.uids_after(0) == uids
                assert await mailbox.present([one, twin + 7]) == {one}

    asyncio.run(main())


def test_a_move_to_where_it_is_changes_nothing(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, *_ = uids = await mailbox.uids_after(0)
        here = Placement("INBOX", mailbox.uidvalidity, one)
        assert await mailbox.move([one], "INBOX") == {one: here}
        assert await mailbox.uids_after(0) == uids

    use(serve, story)


def test_flags_are_set_and_taken_away(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, two, three = await mailbox.uids_after(0)
        add = SetFlags(add=frozenset({"\\Seen", "\\Flagged"}))
        assert await mailbox.set_flags([one, two, three + 7], add) == {one, two}
        take = SetFlags(remove=frozenset({"\\Flagged"}))
        assert await mailbox.set_flags([one], take) == {one}
        seen, both = frozenset({"\\Seen"}), frozenset({"\\Seen", "\\Flagged"})
        flags = [message.flags for message in await mailbox.headers([one, two, three])]
        assert flags == [seen, both, frozenset()]

    use(serve, story)


def test_trash_can_be_moved_to_though_it_is_absent(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, two, _ = await mailbox.uids_after(0)
        trash = await mailbox.trash_name()
        assert set(await mailbox.move([one, two], trash)) == {one, two}
        assert await subjects(served, trash) == ["one", "two"]
        async with opened(served.account, trash) as there:
            assert await there.trash_name() == there.name

    use(serve, story)


def test_an_expunge_spares_what_others_have_marked(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, two, three = await mailbox.uids_after(0)
        marked = SetFlags(frozenset({"\\Deleted"}))
        await mailbox.set_flags([two], marked)
        assert await mailbox.expunge([one, three + 7]) == {one}
        assert await mailbox.uids_after(0) == [two, three]

    use(serve, story)


def test_a_message_that_vanishes_is_left_out(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        one, two, three = await mailbox.uids_after(0)
        async with opened(served.account) as other:
            await other.expunge([two])
        placed = await mailbox.move([one, two, three], "Old")
        assert placed.keys() == {one, three}

    use(serve, story)


def test_a_probe_tells_of_an_inbox(serve: Serve) -> None:
    async def main() -> None:
        async with serve() as served:
            assert "INBOX" in (await served.account.probe()).mailboxes

    asyncio.run(main())


def test_a_wrong_password_is_an_authentication_error(serve: Serve) -> None:
    async def main() -> None:
        async with serve() as served:
            if not served.locked:
                pytest.skip("nobody is asked for a password")
            with pytest.raises(AuthenticationError):
                await served.account_with("wrong").probe()

    asyncio.run(main())


def test_a_mailbox_that_is_not_there_is_a_permanent_error(serve: Serve) -> None:
    async def main() -> None:
        async with serve() as served:
            with pytest.raises(PermanentError):
                async with opened(served.account, "Nowhere"):
                    pass

    asyncio.run(main())
