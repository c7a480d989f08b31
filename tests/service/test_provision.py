"""Each plugin has its own options, files and memory; a dry run writes nothing."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from postroom.config.configuration import load_configuration
from postroom.errors import PermanentError
from postroom.rules.services import Response, Services
from postroom.service.opening import make_provision
from postroom.service.provision import Provision
from postroom.store.store import SqlStore
from tests.store.samples import NOON, StillClock, with_store

T = TypeVar("T")
TABLES = {"acme": {"url": "https://hooks.example"}}
HOUR = timedelta(hours=1)
SETTINGS = """
[postroom]
state = "/var/lib/postroom"
umask = "027"

[account.home]
address = "me@ours.example"
password = "env:MAIL_PASSWORD"
imap = { host = "127.0.0.1" }
"""


@dataclass
class Web:
    """A web that answers everything alike, and keeps what it was asked."""

    asked: list[str] = field(default_factory=list)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Note it."""
        self.asked.append(f"GET {url}")
        return Response(200, b"yes")

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Note it."""
        self.asked.append(f"POST {url}")
        return Response(201, content)


@dataclass
class Workshop:
    """A state folder with a store, a clock and a web, and services made over them."""

    folder: Path
    clock: StillClock = field(default_factory=StillClock)
    web: Web = field(default_factory=Web)

    def use(self, use: Callable[[Provision], Awaitable[T]], *, dry: bool = False) -> T:
        """What comes of using the services."""

        async def steps(store: SqlStore) -> T:
            parts = (self.folder, store, self.clock, self.web)
            return await use(Provision(TABLES, *parts, dry=dry))

        return with_store(self.folder / "postroom.db", steps, clock=self.clock)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "state")


async def save_all(services: Services, folder: Path) -> None:
    await services.places.write(str(folder / "files"), ["a"], "x", b"it")
    await services.places.deliver(str(folder / "mail"), "B", b"it", NOON)


async def use_everything(services: Services) -> None:
    await services.files.write("x", b"here")
    await services.files.append("x", b" and there")
    await services.remember.put("ann", "seen", HOUR)


def test_a_plugin_has_its_own_options_and_what_it_performs(workshop: Workshop) -> None:
    async def use(provision: Provision) -> None:
        mine = provision.services("acme", "key-1", b"octets")
        assert mine.options == {"url": "https://hooks.example"}
        assert (mine.key, mine.content, mine.now()) == ("key-1", b"octets", NOON)
        other = provision.services("other")
        assert (other.options, other.key, other.content) == ({}, "", None)

    workshop.use(use)


def test_files_and_memory_are_the_plugins_own(workshop: Workshop) -> None:
    async def use(provision: Provision) -> None:
        mine, other = provision.services("acme"), provision.services("other")
        await use_everything(mine)
        assert await mine.files.read("x") == b"here and there"
        assert await mine.remember.get("ann") == "seen"
        assert await other.files.read("x") is None
        assert await other.remember.get("ann") is None

    workshop.use(use)


def test_what_is_remembered_has_its_life_and_outlives_a_restart(
    workshop: Workshop,
) -> None:
    async def recall(provision: Provision) -> str | None:
        return await provision.services("acme").remember.get("ann")

    workshop.use(lambda provision: use_everything(provision.services("acme")))
    workshop.clock.forward(minutes=59)
    assert workshop.use(recall) == "seen"
    workshop.clock.forward(minutes=1)
    assert workshop.use(recall) is None


@pytest.mark.parametrize(
    ("key", "value"), [("k" * 501, "v"), ("k", "v" * 65537), ("", "v")]
)
def test_more_than_a_memory_holds_is_refused(
    workshop: Workshop, key: str, value: str
) -> None:
    async def use(provision: Provision) -> None:
        with pytest.raises(PermanentError, match="a key has 1 to 500 characters"):
            await provision.services("acme").remember.put(key, value, HOUR)

    workshop.use(use)


def test_the_web_and_programs_are_there(workshop: Workshop) -> None:
    async def use(provision: Provision) -> None:
        services = provision.services("acme")
        assert (await services.http.get("https://a.example/")).content == b"yes"
        assert (await services.http.post("https://a.example/", b"it")).status == 201
        assert (await services.run(["/bin/echo", "it"])).output == b"it\n"

    workshop.use(use)
    assert workshop.web.asked == ["GET https://a.example/", "POST https://a.example/"]


def test_a_dry_run_writes_nothing_and_reads_what_there_is(workshop: Workshop) -> None:
    async def use(provision: Provision) -> None:
        services = provision.services("acme")
        await services.files.write("x", b"changed")
        await services.files.append("y", b"new")
        await services.remember.put("bob", "seen", HOUR)
        assert await services.files.read("x") == b"here and there"
        assert await services.files.read("y") is None
        assert await services.remember.get("ann") == "seen"
        assert await services.remember.get("bob") is None

    workshop.use(lambda provision: use_everything(provision.services("acme")))
    workshop.use(use, dry=True)
    assert os.listdir(workshop.folder / "plugins" / "acme") == ["x"]


def test_a_dry_run_may_ask_but_sends_nothing_and_starts_nothing(
    workshop: Workshop, tmp_path: Path
) -> None:
    async def use(provision: Provision) -> None:
        services = provision.services("acme")
        assert (await services.http.get("https://a.example/")).status == 200
        with pytest.raises(PermanentError, match="in a dry run"):
            await services.http.post("https://a.example/", b"it")
        with pytest.raises(PermanentError, match="in a dry run"):
            await services.run(["/usr/bin/touch", str(tmp_path / "made")], timeout=3)

    workshop.use(use, dry=True)
    assert workshop.web.asked == ["GET https://a.example/"]
    assert not (tmp_path / "made").exists()


def test_what_is_saved_anywhere_has_the_modes_of_the_settings(
    workshop: Workshop, tmp_path: Path
) -> None:
    async def use(provision: Provision) -> None:
        shared = replace(provision, umask=0o027)
        await save_all(shared.services("acme", "key-1"), tmp_path / "saved")

    workshop.use(use)
    (message,) = (tmp_path / "saved" / "mail" / ".B" / "new").iterdir()
    file = tmp_path / "saved" / "files" / "a" / "x"
    assert [each.stat().st_mode & 0o777 for each in (message, file)] == [0o640] * 2


def test_the_modes_are_those_of_the_settings(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "tell-nobody")
    settings = tmp_path / "postroom.toml"
    settings.write_text(SETTINGS)
    configuration = load_configuration(settings)

    async def use(provision: Provision) -> int:
        parts = (configuration, provision.memories, workshop.clock)
        return make_provision(*parts).umask

    assert workshop.use(use) == 0o027


def test_a_dry_run_saves_nothing_anywhere(workshop: Workshop, tmp_path: Path) -> None:
    workshop.use(
        lambda provision: save_all(provision.services("acme"), tmp_path / "saved"),
        dry=True,
    )
    assert not (tmp_path / "saved").exists()
