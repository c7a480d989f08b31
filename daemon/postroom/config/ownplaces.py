"""The folders that are postroom's own: nothing that comes with mail is saved there.

A file saved beside the plugins would be run at the next start, one beside the rules
obeyed, and one in the state folder taken for what postroom remembers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from postroom.config.settings import Settings
from postroom.errors import Problem
from postroom.rules.paths import FolderPath
from postroom.rules.rule import Rule

RULES = "rules.d"
PLUGINS = "plugins"


@dataclass(frozen=True)
class OwnPlaces:
    """The folders that are closed, and what of them is open for mail."""

    closed: tuple[Path, ...] = ()
    maildirs: Path | None = None

    @classmethod
    def of(cls, settings: Settings, file: Path) -> OwnPlaces:
        """Those of the settings in this file."""
        beside = file.parent.resolve()
        state = settings.postroom.state
        return cls((beside / RULES, beside / PLUGINS, state), settings.maildirs)

    def holding(self, place: Path, *, mail: bool = False) -> Path | None:
        """The closed folder that a place is, or is in, whatever links lead there; None
        if there is none. Mail may go where Maildirs are."""
        place = place.resolve()
        if mail and self.maildirs and place.is_relative_to(self.maildirs.resolve()):
            return None
        return next((p for p in self.closed if place.is_relative_to(p.resolve())), None)


NOTHING = OwnPlaces()


def find_closed_places(
    settings: Settings, file: Path, rules: Iterable[Rule]
) -> Iterator[Problem]:
    """Rules that would save what comes with a message in such a folder."""
    own = OwnPlaces.of(settings, file)
    for rule in rules:
        for named in rule.then:
            for place, mail in _places(named.action):
                if closed := own.holding(place, mail=mail):
                    message = (
                        f"{named.name}: {closed} is postroom's own: what comes with a "
                        "message is saved elsewhere, such as in /srv/mail"
                    )
                    yield Problem(rule.file, message, rule.name, "then")


def _places(action: object) -> Iterator[tuple[Path, bool]]:
    """The folders that an action saves in, and whether mail goes there."""
    for name, value in vars(action).items():
        if isinstance(value, FolderPath):
            yield Path(value.top), False
        elif name == "maildir" and isinstance(value, str):
            yield Path(value), True
