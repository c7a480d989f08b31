"""Maildirs that are named after accounts go with them when these are renamed.

A Maildir tells itself whose it is, so that a move that a kill cut off is made good at
the next start, whatever its name was by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from postroom.config.settings import Settings
from postroom.log import get_logger
from postroom.transport.maildir.mark import read_mark

log = get_logger()

_LEFT = (
    "nothing of the account is in this Maildir: what came before stays where it was. "
    "To have it here, stop the daemon, move the folder here, and start the daemon"
)


def move_maildirs(settings: Settings, owners: Mapping[str, int]) -> list[str]:
    """Have each Maildir below the state folder in the place that its account has there;
    `owners` tells the UIDVALIDITYs of the accounts. What is in the way, in words.
    """
    wanted = {
        uidvalidity: place
        for name, uidvalidity in owners.items()
        if settings.account[name].maildir is None
        and (place := settings.maildir_of(name)) is not None
    }
    there = dict(_marked(settings.maildirs))
    misplaced = {
        place: wanted[mark]
        for place, mark in there.items()
        if mark in wanted and place != wanted[mark]
    }
    # Aside first where one is in the place of another: names may have been exchanged.
    for place in sorted({*misplaced} & {*misplaced.values()}):
        aside = place.with_name(f"{place.name}.moving")
        if not _rename(place, aside):
            misplaced[aside] = misplaced.pop(place)
    return list(filter(None, (_rename(*each) for each in misplaced.items())))


def tell_left_maildirs(
    settings: Settings, owners: Mapping[str, int], before: Settings | None = None
) -> None:
    """Say once where an account has another Maildir than it had: nothing is moved.

    `owners` tells the UIDVALIDITYs of the accounts that mail has come to, and `before`
    is what the settings were while the daemon ran. The next visit marks the new one.
    """
    for name, uidvalidity in owners.items():
        place = settings.maildir_of(name)
        if place is None or read_mark(place) is not None:
            continue
        places = [each for each, _ in _marked(settings.maildirs)]
        if before and name in before.account and (old := before.maildir_of(name)):
            places.append(old)
        left = [each for each in places if read_mark(each) == uidvalidity]
        log.warning(
            "maildir_left",
            account=name,
            maildir=str(place),
            before=str(left[-1]) if left else None,
            detail=_LEFT,
        )


def _marked(folder: Path) -> Iterator[tuple[Path, int]]:
    """The Maildirs in a folder that tell whose they are."""
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (mark := read_mark(place)) is not None:
            yield place, mark


def _rename(old: Path, new: Path) -> str:
    """Rename it; in words what keeps it from that, and empty if nothing does."""
    try:
        if new.exists():
            raise FileExistsError(0, "something is there already")
        old.rename(new)
    except OSError as error:
        log.error("maildir_not_moved", maildir=str(old), error=error.strerror)
        return f"the Maildir {old} can't be renamed to {new}: {error.strerror}"
    log.info("maildir_moved", maildir=str(new), before=str(old))
    return ""
