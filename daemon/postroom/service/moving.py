"""Accounts that go on under a new name take the Maildirs along that are named so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from postroom.config.settings import Settings
from postroom.log import get_logger

log = get_logger()


def move_maildirs(settings: Settings, renamed: Mapping[str, str]) -> None:
    """Rename the Maildirs that have the name of their account; `renamed` has the old
    names by the new ones, which may have been exchanged.

    A Maildir that can't be renamed is told of, and stays where it is.
    """
    moves = [
        (place.with_name(before), place)
        for name, before in renamed.items()
        if (place := _named_after(settings, name)) and place.with_name(before).is_dir()
    ]
    aside = [(_aside(old), new) for old, new in moves if _rename(old, _aside(old))]
    for there, new in aside:
        if new.exists():
            log.error("maildir_not_moved", maildir=str(there), expected=str(new))
        else:
            _rename(there, new)


def _named_after(settings: Settings, name: str) -> Path | None:
    """Where the account's Maildir is to be, if nobody has said where."""
    table = settings.account[name]
    return settings.maildir_of(name) if table.maildir is None else None


def _aside(place: Path) -> Path:
    return place.with_name(f"{place.name}.renamed")


def _rename(old: Path, new: Path) -> bool:
    try:
        old.rename(new)
    except OSError as error:
        log.error("maildir_not_moved", maildir=str(old), error=error.strerror)
        return False
    return True
