"""Folders on this machine, outside of the state folder or not, that can't be written.

Whoever asks is answered for himself: a unit may run as another user.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Collection, Iterator
from pathlib import Path

from postroom.config.configuration import Configuration
from postroom.config.ownplaces import find_saved_places
from postroom.errors import Problem

_PARTS = ("", "cur", "new", "tmp")


def find_unusable_maildirs(
    configuration: Configuration, accounts: Collection[str] | None = None
) -> Iterator[Problem]:
    """The Maildirs of these accounts, or of all, that can't be written: no mail comes
    in there."""
    settings = configuration.settings
    for name in settings.account if accounts is None else accounts:
        maildir = settings.maildir_of(name)
        if maildir and (why := _why_no_maildir(maildir)):
            key = f"account.{name}.maildir"
            yield Problem(str(configuration.path), why, key=key)


def find_unwritable_places(configuration: Configuration) -> Iterator[Problem]:
    """The folders that rules save in and that can't be written."""
    for saved in find_saved_places(r for r in configuration.rules if r.enabled):
        why = _why_no_maildir if saved.mail else why_not_writable
        if told := why(saved.folder):
            yield saved.tell(told)


def _why_no_maildir(maildir: Path) -> str:
    whys = (why_not_writable(maildir / part) for part in _PARTS)
    return next(filter(None, whys), "")


def why_not_writable(place: Path) -> str:
    """Why whoever asks can't write in a folder; empty if that can be done."""
    # What is absent is made, with the folders that lead to it.
    there = next(each for each in (place, *place.parents) if os.path.lexists(each))
    if not os.path.isdir(there):
        return f"{there} is no folder"
    if os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return ""
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        return f"{there} is on a disk that is mounted read-only"
    made = "" if there == place else f", where {place} would be made"
    return f"{there} may not be written by {_user()}{made}"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container
        return f"user {os.getuid()}"
