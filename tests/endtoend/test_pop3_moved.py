"""An account that is given another Maildir is told of the one that it had."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from structlog.testing import capture_logs

from postroom.config.configuration import load_configuration
from postroom.service.opening import open_service
from postroom.service.steering import make_steering
from tests.endtoend.maildrops import PopDaemon, PopHouse, in_the_clear
from tests.endtoend.sorting import KINDS, letter
from tests.servers.maildrop import Maildrop


def told(steps: Callable[[], object]) -> list[Mapping[str, Any]]:
    """What the steps say of Maildirs that are left."""
    with capture_logs() as logs:
        steps()
    return [each for each in logs if each["event"] == "maildir_left"]


def visited(house: PopHouse, maildrop: Maildrop, maildir: str = "") -> PopDaemon:
    """A daemon that has stored a message, in this folder or where it does by itself."""
    maildrop.put(letter(0, KINDS))
    daemon = at(house, maildrop, maildir)
    assert told(daemon.visit) == []
    assert told(daemon.visit) == []
    return daemon


def at(house: PopHouse, maildrop: Maildrop, maildir: str) -> PopDaemon:
    """The daemon whose Maildir is this folder."""
    more = f'maildir = "{house.folder}/{maildir}"' if maildir else ""
    return house.daemon(in_the_clear(maildrop.port), more)


def test_it_is_told_once_at_a_start(house: PopHouse, maildrop: Maildrop) -> None:
    old = visited(house, maildrop).maildir
    daemon = at(house, maildrop, "elsewhere")
    (left,) = told(daemon.visit)
    assert left["account"] == "home"
    assert left["maildir"] == f"{house.folder}/elsewhere"
    assert left["before"] == str(old)
    assert "stop the daemon, move the folder here" in left["detail"]
    assert told(daemon.visit) == []


def test_one_whose_place_nobody_remembers_is_told_of_as_well(
    house: PopHouse, maildrop: Maildrop
) -> None:
    visited(house, maildrop, "one")
    (left,) = told(at(house, maildrop, "other").visit)
    assert (left["maildir"], left["before"]) == (f"{house.folder}/other", None)


def test_a_folder_that_was_moved_is_not_told_of(
    house: PopHouse, maildrop: Maildrop
) -> None:
    visited(house, maildrop, "one")
    (house.folder / "one").rename(house.folder / "other")
    assert told(at(house, maildrop, "other").visit) == []


def test_a_reload_tells_both_places(house: PopHouse, maildrop: Maildrop) -> None:
    daemon = visited(house, maildrop, "one")

    async def reload() -> None:
        configuration = load_configuration(daemon.settings)
        async with asyncio.timeout(60), open_service(configuration) as service:
            reloader = make_steering(service).reloader
            working = asyncio.create_task(reloader.run())
            at(house, maildrop, "other")
            assert await reloader.request() == []
            working.cancel()

    (left,) = told(lambda: asyncio.run(reload()))
    assert left["maildir"] == f"{house.folder}/other"
    assert left["before"] == f"{house.folder}/one"
