"""What a real server makes of it: commands, old servers, certificates, memory."""

from __future__ import annotations

import asyncio
import gc
import os
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from postroom.errors import TemporaryError
from postroom.ports import Mailbox
from postroom.rules.effects import SetFlags
from postroom.transport.imap.account import ImapAccount
from postroom.transport.tls import Tls
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot
from tests.servers.programs import wait_until
from tests.servers.proxy import counting_proxy
from tests.transport.imap.scripted import PATIENT, account_at
from tests.transport.imap.served import dovecot_account, on_dovecot
from tests.transport.served import Served, letter, opened, subjects, use


def test_a_batch_costs_one_command_of_each_kind(
    dovecot: DovecotServer, certificates: Certificates
) -> None:
    user = dovecot.new_user()
    dovecot.backlog(user, [letter(f"message {number}") for number in range(500)])
    dovecot.record(user)
    account = dovecot_account(dovecot, certificates, Tls.IMPLICIT, user)

    async def main() -> None:
        async with opened(account) as mailbox:
            uids = await mailbox.uids_after(0)
            assert len(await mailbox.headers(uids)) == 500
            assert len(await mailbox.move(uids[:300], "Old")) == 300
            assert len(await mailbox.contents(uids[300:])) == 200

    asyncio.run(main())
    said = dovecot.commands(user)
    assert sum("FETCH" in line for line in said) == 2
    assert sum("MOVE" in line for line in said) == 2  # the first made the target


@pytest.mark.parametrize("capability", ["IMAP4rev1 IDLE UIDPLUS", "IMAP4rev1 IDLE"])
@pytest.mark.usefixtures("dovecot")  # it skips where there is none
def test_a_server_of_old_moves_by_steps(
    capability: str, certificates: Certificates
) -> None:
    with running_dovecot(certificates, capability) as old:
        serve = on_dovecot(old, certificates)

        async def story(served: Served, mailbox: Mailbox) -> None:
            one, two, three = await mailbox.uids_after(0)
            await mailbox.set_flags([two], SetFlags(frozenset({"\\Deleted"})))
            placed = await mailbox.move([one, three + 7], "Old")
            assert placed.keys() == {one}
            left = await mailbox.uids_after(0)
            gone = "UIDPLUS" in capability
            assert left == ([two, three] if gone else [one, two, three])
            assert await subjects(served, "Old") == ["one"]
            if not gone:
                (message,) = await mailbox.headers([one])
                assert "\\Deleted" in message.flags

        use(serve, story)


def test_a_certificate_that_nobody_vouches_for_is_refused(
    dovecot: DovecotServer, tmp_path: Path
) -> None:
    stranger = Certificates.issue(tmp_path)
    for tls in (Tls.IMPLICIT, Tls.STARTTLS):
        account = dovecot_account(dovecot, stranger, tls, dovecot.new_user())
        with pytest.raises(TemporaryError, match="certificate"):
            asyncio.run(account.probe())


def test_a_server_that_freezes_in_idle_is_noticed(dovecot: DovecotServer) -> None:
    hasty = replace(PATIENT, idle_probe=0.3, idle_done=0.3, logout=0.3)

    async def main() -> None:
        with counting_proxy(dovecot.host, dovecot.ports.imap) as proxy:
            user = dovecot.new_user()
            account = account_at(proxy.port, user=user, timings=hasty)
            async with opened(account) as mailbox, asyncio.timeout(20):
                waiting = asyncio.ensure_future(mailbox.changed())
                heard = proxy.conversations[0].server
                await asyncio.to_thread(
                    wait_until, lambda: heard.endswith(b"+ idling\r\n"), "IDLE"
                )
                proxy.stall()
                with pytest.raises(TemporaryError, match="dead"):
                    await waiting

    asyncio.run(main())


def test_an_idle_account_costs_less_than_80_kib(
    dovecot: DovecotServer, certificates: Certificates
) -> None:
    accounts = [
        dovecot_account(dovecot, certificates, Tls.IMPLICIT, dovecot.new_user())
        for _ in range(60)
    ]

    async def main() -> float:
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:

            async def idle(account: ImapAccount) -> None:
                mailbox = await stack.enter_async_context(opened(account))
                await mailbox.uids_after(0)
                waiting.append(group.create_task(mailbox.changed()))

            waiting: list[asyncio.Task[None]] = []
            for account in accounts[:10]:
                await idle(account)
            before = _resident()
            for account in accounts[10:]:
                await idle(account)
            grown = _resident() - before
            for task in waiting:
                task.cancel()
        return grown / 50

    assert asyncio.run(main()) < 80 * 1024


def _resident() -> int:
    """The octets that this process has in memory."""
    gc.collect()
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
