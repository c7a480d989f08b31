"""How much room there is, and where there is too little."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postroom.config.settings import Settings
from postroom.service.space import Space, free_octets

MEGABYTE = 1024**2


def settings(**options: object) -> Settings:
    """An IMAP account `home`, and `isp`, whose Maildir is on a disk of its own."""
    accounts = {
        "home": {"address": "me@a.test", "imap": {"host": "a.test"}},
        "isp": {
            "address": "me@b.test",
            "pop3": {"host": "b.test"},
            "maildir": "/maildirs/isp",
        },
    }
    for account in accounts.values():
        account["password"] = "env:WORD"
    postroom = {"state": "/state", **options}
    return Settings.model_validate({"postroom": postroom, "account": accounts})


def short(free: dict[str, int], account: str, **options: object) -> str:
    """What is told of an account with so much free in these folders."""
    space = Space(lambda: settings(**options), lambda folder: free[str(folder)])
    return asyncio.run(space.shortage(account))


def test_with_enough_everywhere_nothing_is_short() -> None:
    free = {"/state": 256 * MEGABYTE, "/maildirs/isp": 256 * MEGABYTE}
    assert short(free, "home") == short(free, "isp") == ""


@pytest.mark.parametrize(
    ("state", "maildir", "told"),
    [
        (255, 999, {"home": "/state", "isp": "/state"}),
        (999, 255, {"isp": "/maildirs/isp"}),
    ],
)
def test_an_account_is_short_of_room_where_its_mail_goes(
    state: int, maildir: int, told: dict[str, str]
) -> None:
    free = {"/state": state * MEGABYTE, "/maildirs/isp": maildir * MEGABYTE}
    for account in ("home", "isp"):
        found = short(free, account)
        assert bool(found) is (account in told)
        if found:
            assert f"less than 256M is free where {told[account]} is" in found


def test_the_settings_say_what_is_too_little() -> None:
    free = {"/state": MEGABYTE}
    assert short(free, "home", free_space="1M") == ""
    assert "less than 1025K is" in short(free, "home", free_space="1025K")
    assert "less than 1048577 octets is" in short(free, "home", free_space=1048577)
    assert short({"/state": 0}, "home", free_space=0) == ""


def test_a_folder_that_is_not_made_yet_is_measured_where_it_would_be(
    tmp_path: Path,
) -> None:
    assert free_octets(tmp_path / "not" / "yet") > 0


def test_what_can_not_be_measured_is_not_short() -> None:
    def fail(folder: Path) -> int:
        raise PermissionError(13, "not for us")

    assert asyncio.run(Space(settings, fail).shortage("home")) == ""
