"""What is known of an account goes where its name goes, and to no other account."""

from __future__ import annotations

from pathlib import Path

from postroom.ports import Hold, HoldKind, MessageState, RelayReport
from postroom.rules.effects import FileInto, Send
from postroom.store.store import SqlStore
from tests.store.samples import (
    NOON,
    cursor,
    decide,
    message,
    outgoing,
    plan,
    with_store,
)

ANN = "ann@imap.example.org"
BOB = "bob@imap.example.org"


async def read(store: SqlStore, account: str, uid: int) -> None:
    """Have it decided there to send a message on, through the account's own relay."""
    arrival = message(uid, account=account)
    forward = Send(outgoing(f"{account}@example.net", relay=account))
    planned = plan(f"{account}-{uid}", FileInto("News"), forward)
    await decide(store, (arrival, planned), at=cursor(uid))
    await store.report_relay(RelayReport(account, f"{account} is down"))


async def waiting(store: SqlStore) -> dict[str, list[str]]:
    """To whom something is due, by relay."""
    names = await store.waiting_relays()
    return {
        name: [each.recipient for each in await store.due(NOON, 9, name)]
        for name in names
    }


async def relay_troubles(store: SqlStore) -> dict[str, str]:
    """What is wrong with each relay."""
    told = (await store.summary()).relay_troubles
    return {each.name: each.error for each in told}


def test_a_renamed_account_goes_on_where_it_was(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.recognise({"home": ANN})
        await read(store, "home", 5)
        await store.recognise({"private": ANN})
        assert await store.cursor("private", "INBOX") == cursor(5)
        assert await store.cursor("home", "INBOX") is None
        same = message(5, account="private")
        seen = await store.see([same], NOON)
        assert seen[same.key].state is MessageState.DECIDED
        (move,) = await store.open_effects("private", "INBOX", 7)
        assert move.message == same.key
        assert await waiting(store) == {"private": ["home@example.net"]}
        (due,) = await store.due(NOON, 9)
        assert (await store.outgoing(due.outgoing_id)).relay == "private"
        assert await relay_troubles(store) == {"private": "home is down"}

    with_store(path, steps)


def test_exchanged_accounts_keep_their_mail_their_cursors_and_their_relays(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await store.recognise({"home": ANN, "work": BOB})
        await read(store, "home", 5)
        await read(store, "work", 9)
        await store.recognise({"home": BOB, "work": ANN})
        assert await store.cursor("home", "INBOX") == cursor(9)
        assert await store.cursor("work", "INBOX") == cursor(5)
        assert await waiting(store) == {
            "home": ["work@example.net"],
            "work": ["home@example.net"],
        }
        assert await relay_troubles(store) == {
            "home": "work is down",
            "work": "home is down",
        }

    with_store(path, steps)


def test_what_is_decided_under_an_exchanged_name_is_done(path: Path) -> None:
    """Its effects have the keys that those of the other account had."""

    async def steps(store: SqlStore) -> None:
        await store.recognise({"home": ANN, "work": BOB})
        await read(store, "home", 5)
        await store.recognise({"home": BOB, "work": ANN})
        await read(store, "home", 5)
        for name in ("home", "work"):
            assert len(await store.open_effects(name, "INBOX", 7)) == 1
        assert await store.waiting_relays() == {"home": 1, "work": 1}

    with_store(path, steps)


def test_no_other_account_gets_the_mail_of_one_that_got_out_of_the_way(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await store.recognise({"home": ANN, "work": BOB})
        await read(store, "home", 5)
        await read(store, "work", 9)
        await store.recognise({"home": BOB})
        assert await waiting(store) == {
            "home": ["work@example.net"],
            "home~1": ["home@example.net"],
        }
        history = {each.key.account: each.key.uid for each in await store.history()}
        assert history == {"home": 9, "home~1": 5}

    with_store(path, steps)


def test_an_outdated_report_of_a_relay_gives_way_to_the_one_of_that_name_now(
    path: Path,
) -> None:
    async def steps(store: SqlStore) -> None:
        await store.recognise({"home": ANN})
        await store.report_relay(RelayReport("home", "home is down"))
        await store.report_relay(RelayReport("private", "an older one"))
        await store.recognise({"private": ANN})
        assert await relay_troubles(store) == {"private": "home is down"}

    with_store(path, steps)


def test_a_hold_goes_where_the_name_of_its_account_goes(path: Path) -> None:
    """And one of a rule that has such a name stays; the name may be taken by one of an
    account that is no more."""

    async def steps(store: SqlStore) -> None:
        await store.recognise({"home": ANN})
        for kind, name in (("account", "home"), ("rule", "home"), ("account", "new")):
            await store.hold(Hold(HoldKind(kind), name, f"{kind} {name}", NOON))
        await store.recognise({"new": ANN})
        told = {(each.kind, each.name): each.reason for each in await store.holds()}
        assert told == {
            (HoldKind.ACCOUNT, "new"): "account home",
            (HoldKind.RULE, "home"): "rule home",
        }

    with_store(path, steps)


def test_no_uid_of_one_login_is_trusted_on_another(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.recognise({"home": ANN})
        await read(store, "home", 5)
        await store.adopt("home", "News", cursor(8, uidvalidity=30))
        await store.recognise({"home": BOB})
        for mailbox in ("INBOX", "News"):
            held = await store.cursor("home", mailbox)
            assert held is not None
            assert held.uidvalidity < 0, "whatever the new server says is new"
        other = message(5, message_id="<other@example.net>")
        assert (await store.see([other], NOON))[other.key].state is MessageState.SEEN
        assert await store.open_effects("home", "INBOX", 7) == []
        moved = message(1, message_id="<5@example.org>")
        assert await store.unknown([moved]) == frozenset()
        assert await store.carry_over("home", "INBOX", [moved]) == 1

    with_store(path, steps)


def test_a_first_login_and_the_same_one_leave_the_uids_alone(path: Path) -> None:
    async def steps(store: SqlStore) -> None:
        await store.adopt("home", "INBOX", cursor(5))
        for login in (ANN, ANN):
            await store.recognise({"home": login})
            assert await store.cursor("home", "INBOX") == cursor(5)

    with_store(path, steps)
