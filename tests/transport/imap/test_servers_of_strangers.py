"""What IMAP promises beyond a Mailbox, kept on servers that are not ours."""

from __future__ import annotations

import asyncio

import pytest

from postroom.ports import Mailbox, Resumed
from postroom.transport.tls import Tls
from tests.transport.imap.served import on_dovecot, on_pymap
from tests.transport.served import Serve, Served, letter, opened, use


@pytest.fixture(params=["pymap", "dovecot", "dovecot-starttls"])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Accounts on each of the servers."""
    if request.param == "pymap":
        return on_pymap
    tls = Tls.STARTTLS if request.param.endswith("starttls") else Tls.IMPLICIT
    server = request.getfixturevalue("dovecot")
    return on_dovecot(server, request.getfixturevalue("certificates"), tls)


def test_an_arrival_ends_the_wait(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        assert mailbox.pushes
        newest = (await mailbox.uids_after(0))[-1]
        async with asyncio.TaskGroup() as group:
            group.create_task(mailbox.changed())
            await served.deliver(letter("four"))
        (uid,) = await mailbox.uids_after(newest)
        (message,) = await mailbox.headers([uid])
        assert message.subject == "four"

    use(serve, story)


def test_no_copy_is_recognised_without_a_message_id(serve: Serve) -> None:
    async def main() -> None:
        async with serve() as served:
            for name in (b"", b"Message-ID: <2@example>\r\n"):
                await served.deliver(name + letter("x"))
            async with opened(served.account) as mailbox:
                unnamed, named = uids = await mailbox.uids_after(0)
                before = await mailbox.extent("Old", move=False)
                placed = await mailbox.copy([unnamed, named], "Old")
                begun = dict.fromkeys(uids, before)
                found = await mailbox.resume(begun, "Old", move=False)
                assert found == Resumed({named: placed[named]}, frozenset({unnamed}))

    asyncio.run(main())


def test_a_probe_tells_what_the_server_can_do(serve: Serve) -> None:
    async def story(served: Served, mailbox: Mailbox) -> None:
        await mailbox.copy(await mailbox.uids_after(0), "Entwürfe & Co")
        report = await served.account.probe()
        assert {"IDLE", "MOVE", "UIDPLUS"} <= report.capabilities
        assert set(report.mailboxes) >= {"INBOX", "Entwürfe & Co"}
        assert report.delimiter == mailbox.delimiter == "/"

    use(serve, story)


def test_a_session_opens_one_mailbox_after_the_other(serve: Serve) -> None:
    async def main() -> None:
        async with serve() as served, served.account.connect() as session:
            for subject in ("one", "two"):
                await served.deliver(letter(subject))
            inbox = await session.open("INBOX")
            one, two = await inbox.uids_after(0)
            await inbox.copy([one], "Old")
            before = await session.standing("Old")
            old = await session.open("Old")
            assert len(await old.uids_after(0)) == 1
            assert await session.standing("Old") is None
            with pytest.raises(RuntimeError):
                await inbox.uids_after(0)
            inbox = await session.open("INBOX")
            assert before == await session.standing("Old")
            await inbox.copy([two], "Old")
            after = await session.standing("Old")
            assert before is not None
            assert after is not None
            assert (before.messages, after.messages) == (1, 2)
            assert before.uidvalidity == after.uidvalidity
            assert before.uidnext < after.uidnext
            await session.prove()

    asyncio.run(main())
