"""The folders that are postroom's own: nothing that comes with mail is saved there.

A file saved beside the plugins would be run at the next start, one beside the rules
obeyed, and one in the state folder taken for what postroom remembers. Beside the
settings one could be called as one of these folders is.
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
    """The folders that are closed with all below them, what of them is open for mail,
    and the folder of the settings, which is closed for what lies directly in it."""

    closed: tuple[Path, ...] = ()
    maildirs: Path | None = None
    beside: Path | None = None

    @classmethod
    def of(cls, settings: Settings, file: Path) -> OwnPlaces:
        """Those of the settings in this file."""
        beside = file.parent.resolve()
        state = settings.postroom.state
        closed = (beside / RULES, beside / PLUGINS, state)
        return cls(closed, settings.maildirs, beside)

    def holding(self, file: Path, *, mail: bool = False) -> Path | None:
        """The closed folder that a file would be in, whatever links lead there; None if
        there is none. Mail may go where Maildirs are."""
        folder = file.parent.resolve()
        if mail and self.maildirs and folder.is_relative_to(self.maildirs.resolve()):
            return None
        if folder == self.beside:
            return folder
        inside = (p for p in self.closed if folder.is_relative_to(p.resolve()))
        return next(inside, None)


NOTHING = OwnPlaces()


def find_closed_places(
    settings: Settings, file: Path, rules: Iterable[Rule]
) -> Iterator[Problem]:
    """Rules that would save what comes with a message in such a folder."""
    own = OwnPlaces.of(settings, file)
    for saved in find_saved_places(rules):
        if closed := own.holding(saved.file, mail=saved.mail):
            message = (
                f"{closed} is postroom's own: what comes with a message is saved "
                "elsewhere, such as in /srv/mail"
            )
            yield saved.tell(message)


@dataclass(frozen=True)
class SavedPlace:
    """A folder that a rule saves in, a file there, and whether it is a Maildir."""

    rule: Rule
    action: str
    folder: Path
    file: Path
    mail: bool

    def tell(self, message: str) -> Problem:
        """What is to be said of it, with the rule."""
        return Problem(
            self.rule.file, f"{self.action}: {message}", self.rule.name, "then"
        )


def find_saved_places(rules: Iterable[Rule]) -> Iterator[SavedPlace]:
    """The folders on this machine that the actions of these rules name."""
    for rule in rules:
        for named in rule.then:
            for name, value in vars(named.action).items():
                if isinstance(value, FolderPath):
                    folder, file = Path(value.top), Path(value.outline, "x")
                    yield SavedPlace(rule, named.name, folder, file, mail=False)
                elif name == "maildir" and isinstance(value, str):
                    folder, file = Path(value), Path(value, "new")
                    yield SavedPlace(rule, named.name, folder, file, mail=True)
