"""The daemon as a whole, in this process, against Dovecot and an SMTP server."""

from __future__ import annotations

import asyncio
import os

import pytest

from postroom.errors import ConfigError, StoreError
from postroom.service.events import Event, MessageHandled
from postroom.service.opening import STORE_NAME, open_service
from tests.builders import make_raw
from tests.servers.dovecot import DovecotServer
from tests.servers.proxy import counting_proxy
from tests.servers.sink import RecordingSmtp
from tests.service.house import Daemon

FIRST = """
[[rule]]
name = "first"
mailboxes = ["INBOX"]
then = [ {{ move = "{first}" }} ]
"""
SECOND = """
[[rule]]
name = "second"
mailboxes = ["{first}"]
then = [ {{ move = "Wrong" }} ]
"""


# -- running once ----------------------------------------------------------------------


def test_one_run_handles_what_is_there_and_sends_what_is_due(
    daemon: Daemon, dovecot: DovecotServer, user: str, sink: RecordingSmtp
) -> None:
    """An expunge that waits for its forward is done in the same run."""
    daemon.rules(
        '[[rule]]\nname = "x"\n'
        'then = [ { delete = "forever" }, { forward = "books@kept.test" } ]\n'
    )
    dovecot.backlog(user, [make_raw()] * 3)
    assert daemon.run_once() == ()
    assert len(sink.received) == 3
    assert dovecot.mailboxes(user)["INBOX"] == []


def test_one_run_reports_every_mailbox_that_failed(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    daemon.watch("Absent", "INBOX", "Lost")
    daemon.rules('[[rule]]\nname = "x"\nthen = [ { flag = true } ]\n')
    dovecot.backlog(user, [make_raw()])
    failures = daemon.run_once()
    assert len(failures) == 2
    assert all("Mailbox doesn't exist" in failure for failure in failures)
    assert daemon.told.handled() == [("INBOX", ("x",))]


def test_one_run_reports_a_server_that_is_away(daemon: Daemon) -> None:
    daemon.watch("INBOX", imap=9)
    (failure,) = daemon.run_once()
    assert "127.0.0.1:9" in failure


# -- what is opened --------------------------------------------------------------------


def test_secrets_that_are_gone_are_told_before_anything_is_opened(
    daemon: Daemon,
) -> None:
    configuration = daemon.configuration()
    daemon.word.unlink()

    async def run() -> None:
        async with open_service(configuration):
            raise AssertionError("it was opened")

    with pytest.raises(ConfigError, match="word can't be read"):
        asyncio.run(run())
    assert not (daemon.folder / "state").exists()


def test_a_store_has_one_service(daemon: Daemon) -> None:
    async def run() -> None:
        async with daemon.service():
            with pytest.raises(StoreError, match=str(os.getpid())):
                async with daemon.service():
                    pass
        async with daemon.service():
            pass

    asyncio.run(run())
    assert (daemon.folder / "state" / STORE_NAME).exists()


def test_one_run_tries_a_wrong_password_once(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    """And not once a mailbox: from cron that would lock the account."""
    daemon.word.write_text("wrong")
    with counting_proxy(dovecot.host, dovecot.ports.imap) as proxy:
        daemon.watch("INBOX", "A", "B", imap=proxy.port)
        (failure,) = daemon.run_once()
        assert len(proxy.commands("LOGIN")) == 1
    assert "LOGIN was refused" in failure


# -- running ---------------------------------------------------------------------------


def test_two_mailboxes_are_held_and_the_others_are_polled(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    """And all that are polled share one connection; the bell has them read."""
    names = ("INBOX", "A", "B", "C")
    dovecot.create(user, *names[1:])
    daemon.rules('[[rule]]\nname = "x"\nthen = [ { flag = true } ]\n')

    async def run() -> None:
        async with daemon.running() as service:
            await daemon.told.until(lambda: all(map(daemon.told.waits, names)))
            for name in names[2:]:
                await asyncio.to_thread(dovecot.append, user, make_raw(), name)
            for watch in service.watches[2:]:
                await watch.ring()
            await daemon.told.until_handled(2)

    with counting_proxy(dovecot.host, dovecot.ports.imap) as proxy:
        daemon.watch(*names, imap=proxy.port)
        asyncio.run(run())
        spoken = [each.commands() for each in proxy.conversations]
    logins = [sum(each.startswith("LOGIN") for each in told) for told in spoken]
    assert logins == [1, 1, 1]
    assert [told[-1] for told in spoken] == ["LOGOUT"] * 3
    idle = [any(each == "IDLE" for each in told) for told in spoken]
    assert sorted(idle) == [False, True, True]
    assert {mailbox for mailbox, _ in daemon.told.handled()} == {"B", "C"}


@pytest.mark.parametrize("first", ["Watched", "Aufträge/für mich"])
def test_what_postroom_moved_into_a_watched_mailbox_is_no_arrival(
    daemon: Daemon, dovecot: DovecotServer, user: str, first: str
) -> None:
    """A person's move into it is one; both are told apart by the target's UID."""
    daemon.rules(FIRST.format(first=first))
    dovecot.backlog(user, [make_raw(subject="0")])
    daemon.run_once()  # makes the mailbox
    daemon.watch("INBOX", first)
    daemon.rules((FIRST + SECOND).format(first=first))

    async def run() -> None:
        told = daemon.told
        async with daemon.running():
            await told.until(lambda: told.waits("INBOX") and told.waits(first))
            for number in range(1, 4):
                raw = make_raw(subject=str(number))
                await asyncio.to_thread(dovecot.deliver, user, raw)
                await told.until_handled(number + 1)
            await told.until(lambda: told.waits(first) >= 2)

    asyncio.run(run())
    daemon.run_once()
    assert daemon.told.handled() == [("INBOX", ("first",))] * 4
    assert len(dovecot.mailboxes(user)[first]) == 4
    assert "Wrong" not in dovecot.mailboxes(user)


def test_a_message_that_a_person_puts_back_is_not_run_again(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    daemon.rules(FIRST.format(first="Filed"))
    raw = make_raw(message_id="<once@x>")
    dovecot.backlog(user, [raw])
    daemon.run_once()
    with dovecot.client(user) as client:
        client.select("Filed")
        assert client.uid("MOVE", "1:*", "INBOX")[0] == "OK"
    daemon.run_once()
    mailboxes = dovecot.mailboxes(user)
    assert [each.raw for each in mailboxes["INBOX"]] == [raw]
    assert mailboxes["Filed"] == []
    assert len(daemon.told.handled()) == 1


def test_a_mistake_in_one_task_ends_the_service(
    daemon: Daemon, dovecot: DovecotServer, user: str
) -> None:
    """Nothing dies in silence: the others are ended with it, and it is raised."""
    daemon.rules('[[rule]]\nname = "x"\nthen = [ { flag = true } ]\n')

    def fail(event: Event) -> None:
        if isinstance(event, MessageHandled):
            raise ZeroDivisionError("our own mistake")

    daemon.told = fail  # type: ignore[assignment] # an observer, too
    dovecot.backlog(user, [make_raw()])

    async def run() -> None:
        async with daemon.service() as service:
            await service.run(asyncio.Event())

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(run())
    assert caught.group_contains(ZeroDivisionError, match="our own mistake")
