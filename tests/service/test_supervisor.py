"""The daemon as a whole, in this process, against Dovecot and an SMTP server."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from postroom.config.configuration import Configuration, load_configuration
from postroom.errors import ConfigError, StoreError
from postroom.service.events import Event, MessageHandled, WatchChanged
from postroom.service.opening import STORE_NAME, open_service
from postroom.service.supervisor import Service
from tests.builders import make_raw
from tests.servers.dovecot import DovecotServer
from tests.servers.proxy import counting_proxy
from tests.servers.sink import RecordingSmtp

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.home]
address = "{address}"
password = "file:{folder}/word"
imap = {{ host = "127.0.0.1", port = {imap}, tls = "none" }}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", auth = false }}
watch = {watch}
existing = "process"
"""

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


@pytest.fixture
def user(dovecot: DovecotServer) -> str:
    """A Dovecot user of this test's own."""
    return dovecot.new_user()


class Told:
    """What the service told, and a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until this is so."""
        async with asyncio.timeout(30):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def until_handled(self, count: int) -> None:
        """Wait until so many messages were handled."""
        await self.until(lambda: len(self.handled()) == count)

    def waits(self, mailbox: str) -> int:
        """How often the mailbox's watcher has begun to wait."""
        waiting = ("idle", "polling")
        changes = [event for event in self.events if isinstance(event, WatchChanged)]
        return sum(
            each.mailbox == mailbox and each.state in waiting for each in changes
        )

    def handled(self) -> list[tuple[str, tuple[str, ...]]]:
        """The mailbox of each message that was handled, and the rules that matched."""
        handled = [event for event in self.events if isinstance(event, MessageHandled)]
        return [(each.message.key.mailbox, each.plan.matched) for each in handled]


class Daemon:
    """Settings and rules for a user, from which services are opened."""

    def __init__(
        self, folder: Path, dovecot: DovecotServer, user: str, smtp: int
    ) -> None:
        self.folder = folder
        self.told = Told()
        self.word = folder / "word"
        self.word.touch(mode=0o600)
        self.word.write_text(dovecot.password)
        self._dovecot, self._user, self._smtp = dovecot, user, smtp
        (folder / "rules.d").mkdir()
        self.watch("INBOX")

    def watch(self, *mailboxes: str, imap: int | None = None) -> None:
        """Write the settings."""
        settings = SETTINGS.format(
            folder=self.folder,
            address=self._dovecot.address(self._user),
            imap=imap or self._dovecot.ports.imap,
            smtp=self._smtp,
            watch=json.dumps(mailboxes),
        )
        (self.folder / "postroom.toml").write_text(settings)

    def rules(self, text: str) -> None:
        """Write the rules."""
        (self.folder / "rules.d" / "rules.toml").write_text(text)

    def configuration(self) -> Configuration:
        """What was written."""
        return load_configuration(self.folder / "postroom.toml")

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Service]:
        """Open the service."""
        configuration = self.configuration()
        async with (
            asyncio.timeout(60),
            open_service(configuration, observer=self.told) as service,
        ):
            yield service

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Service]:
        """The service at work, until it is stopped in order."""
        stop = asyncio.Event()
        async with self.service() as service, asyncio.TaskGroup() as group:
            group.create_task(service.run(stop))
            yield service
            stop.set()

    def run_once(self) -> tuple[str, ...]:
        """Handle what is there."""

        async def run() -> tuple[str, ...]:
            async with self.service() as service:
                return await service.run_once()

        return asyncio.run(run())


@pytest.fixture
def daemon(
    tmp_path: Path, dovecot: DovecotServer, user: str, sink: RecordingSmtp
) -> Daemon:
    """A daemon for the user."""
    return Daemon(tmp_path, dovecot, user, sink.port)


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
