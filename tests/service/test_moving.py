"""Maildirs that are named after accounts, when accounts are renamed."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.config.settings import Settings
from postroom.service.moving import move_maildirs
from postroom.transport.maildir.mark import write_mark


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


def make(state: Path, **marks: int) -> None:
    """Maildirs of these names and UIDVALIDITYs, each with a file that tells whose."""
    for name, mark in marks.items():
        folder = state / "maildir" / name
        folder.mkdir(parents=True)
        write_mark(folder, mark)
        (folder / "whose").write_text(str(mark))


def whose(state: Path) -> dict[str, str]:
    """Whose Maildir each folder is."""
    return {each.parent.name: each.read_text() for each in state.rglob("whose")}


def test_a_maildir_goes_with_its_account(tmp_path: Path) -> None:
    make(tmp_path, isp=7, other=8)
    owners = {"provider": 7, "other": 8}
    assert move_maildirs(settings(tmp_path, provider=None, other=None), owners) == []
    assert whose(tmp_path) == {"provider": "7", "other": "8"}


def test_two_accounts_can_exchange_their_names(tmp_path: Path) -> None:
    make(tmp_path, a=7, b=8)
    assert move_maildirs(settings(tmp_path, a=None, b=None), {"a": 8, "b": 7}) == []
    assert whose(tmp_path) == {"a": "8", "b": "7"}


@pytest.mark.parametrize("left", [1, 2, 3])
def test_an_exchange_that_was_cut_off_is_finished(
    tmp_path: Path, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, a=7, b=8)
    table, owners = settings(tmp_path, a=None, b=None), {"a": 8, "b": 7}
    renamings = iter(range(left))
    rename = Path.rename

    def dying(place: Path, to: Path) -> Path:
        if next(renamings, None) is None:
            raise KeyboardInterrupt
        return rename(place, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        with pytest.raises(KeyboardInterrupt):
            move_maildirs(table, owners)
    assert move_maildirs(table, owners) == []
    assert whose(tmp_path) == {"a": "8", "b": "7"}


def test_a_maildir_with_a_place_of_its_own_stays_there(tmp_path: Path) -> None:
    make(tmp_path, isp=7)
    place = str(tmp_path / "maildir" / "isp")
    assert move_maildirs(settings(tmp_path, provider=place), {"provider": 7}) == []
    assert whose(tmp_path) == {"isp": "7"}


def test_no_maildir_is_put_over_another_and_the_owner_is_told(tmp_path: Path) -> None:
    make(tmp_path, isp=7, provider=9)
    (failure,) = move_maildirs(settings(tmp_path, provider=None), {"provider": 7})
    assert "something is there already" in failure
    assert whose(tmp_path) == {"isp": "7", "provider": "9"}


def test_an_account_that_has_none_yet_needs_none(tmp_path: Path) -> None:
    assert move_maildirs(settings(tmp_path, provider=None), {"provider": 7}) == []
    assert whose(tmp_path) == {}
