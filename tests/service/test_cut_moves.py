"""A connection that is lost midway in a move or copy leaves one copy in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postroom.errors import TemporaryError
from postroom.ports import Decision
from postroom.rules.effects import Copy, Effect, FileInto
from postroom.rules.plan import Plan, PlannedEffect
from postroom.service.effector import Effector
from postroom.transport.imap.account import ImapAccount
from tests.builders import make_raw
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot
from tests.servers.proxy import CountingProxy, counting_proxy
from tests.service.processing import Desk, open_desk
from tests.transport.imap.scripted import account_at
from tests.transport.served import opened

UIDPLUS = "IMAP4rev1 IDLE UIDPLUS"
OLDEST = "IMAP4rev1 IDLE"


@pytest.fixture(scope="module", params=[UIDPLUS, OLDEST])
def old(
    request: pytest.FixtureRequest,
    certificates: Certificates,
    dovecot: DovecotServer,  # it skips where there is none
) -> Iterator[DovecotServer]:
    """A Dovecot that hides MOVE."""
    with running_dovecot(certificates, request.param) as server:
        yield server


async def plan(desk: Desk, account: ImapAccount, effect: Effect) -> int:
    """Plan this for every message; the UIDVALIDITY."""
    async with opened(account) as mailbox:
        messages = await mailbox.headers(await mailbox.uids_after(0))
    await desk.store.see(messages, desk.clock.now())
    decisions = [
        Decision(message, Plan((PlannedEffect(str(message.key.uid), "it", effect),)))
        for message in messages
    ]
    await desk.store.commit(desk.run, decisions, None)
    return mailbox.uidvalidity


async def apply(
    desk: Desk, account: ImapAccount, before: Callable[[], None] = lambda: None
) -> None:
    """Do what is planned, over a connection of its own."""
    async with opened(account) as mailbox:
        before()
        await Effector(desk.store, desk.events.append).apply(mailbox, "home")


def after(proxy: CountingProxy, octets: int) -> None:
    """Cut the connection when the server has sent so much more."""
    proxy.cut_after(len(proxy.conversations[-1].server) + octets)


@pytest.mark.parametrize(
    ("effect", "octets"),
    [
        (Copy("Old"), 0),  # the answer to COPY is lost
        (FileInto("Old"), 0),
        (FileInto("Old"), 100),  # the answer to STORE
        (FileInto("Old"), 120),
    ],
)
def test_a_cut_midway_leaves_one_copy_in_the_end(
    old: DovecotServer, tmp_path: Path, effect: Effect, octets: int
) -> None:
    user = old.new_user()
    old.create(user, "Old")
    for number in range(3):
        old.append(user, make_raw(message_id=f"<{number}@example.org>"))

    async def main() -> None:
        with counting_proxy(old.host, old.ports.imap) as proxy:
            account = account_at(proxy.port, user=user)
            async with asyncio.timeout(60), open_desk(tmp_path) as desk:
                uidvalidity = await plan(desk, account, effect)
                with pytest.raises(TemporaryError):
                    await apply(desk, account, lambda: after(proxy, octets))
                proxy.cut_after(None)
                assert desk.states(uidvalidity).keys() == {1, 2, 3}
                await apply(desk, account)
                states = desk.states(uidvalidity)
                assert states == dict.fromkeys([1, 2, 3], "acknowledged")

    asyncio.run(main())
    boxes = old.mailboxes(user)
    assert len(boxes["Old"]) == 3
    assert len({stored.raw for stored in boxes["Old"]}) == 3
    left = [each for each in boxes["INBOX"] if "\\Deleted" not in each.flags]
    assert len(left) == (3 if isinstance(effect, Copy) else 0)
