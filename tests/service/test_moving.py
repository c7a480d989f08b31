"""Maildirs that are named after accounts, when accounts are renamed."""

from __future__ import annotations

from pathlib import Path

from postroom.config.settings import Settings
from postroom.service.moving import move_maildirs


def settings(state: Path, **maildirs: str | None) -> Settings:
    """POP3 accounts of these names; None for a Maildir nobody has named a place for."""
    accounts = {
        name: {
            "address": f"{name}@isp.example",
            "pop3": {"host": "pop.isp.example"},
            "password": "env:WORD",
            **({"maildir": place} if place else {}),
        }
        for name, place in maildirs.items()
    }
    return Settings.model_validate(
        {"postroom": {"state": str(state)}, "account": accounts}
    )


def make(state: Path, *names: str) -> None:
    """Maildirs, each with a file that tells whose it is."""
    for name in names:
        folder = state / "maildir" / name
        folder.mkdir(parents=True)
        (folder / "whose").write_text(name)


def whose(state: Path) -> dict[str, str]:
    """Whose Maildir each folder is."""
    return {each.parent.name: each.read_text() for each in state.rglob("whose")}


def test_a_maildir_goes_with_its_account(tmp_path: Path) -> None:
    make(tmp_path, "isp", "other")
    move_maildirs(settings(tmp_path, provider=None, other=None), {"provider": "isp"})
    assert whose(tmp_path) == {"provider": "isp", "other": "other"}


def test_two_accounts_can_exchange_their_names(tmp_path: Path) -> None:
    make(tmp_path, "a", "b")
    move_maildirs(settings(tmp_path, a=None, b=None), {"a": "b", "b": "a"})
    assert whose(tmp_path) == {"a": "b", "b": "a"}


def test_a_maildir_with_a_place_of_its_own_stays_there(tmp_path: Path) -> None:
    make(tmp_path, "isp")
    place = str(tmp_path / "maildir" / "isp")
    move_maildirs(settings(tmp_path, provider=place), {"provider": "isp"})
    assert whose(tmp_path) == {"isp": "isp"}


def test_no_maildir_is_put_over_another(tmp_path: Path) -> None:
    make(tmp_path, "isp", "provider")
    move_maildirs(settings(tmp_path, provider=None), {"provider": "isp"})
    assert whose(tmp_path) == {"provider": "provider", "isp.renamed": "isp"}


def test_an_account_that_has_none_yet_needs_none(tmp_path: Path) -> None:
    move_maildirs(settings(tmp_path, provider=None), {"provider": "isp"})
    assert whose(tmp_path) == {}
