"""What the unit must be allowed beside the usual, by the settings of its owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postroom.commands.install.layout import Layout
from postroom.commands.install.wares import File
from postroom.config.configuration import Configuration
from postroom.config.ownplaces import find_saved_places
from postroom.service.connections import references

_HEADING = """\
# Written by `postroom install` from the settings; that overwrites it. What you change
# goes into a file of your own beside it.

[Service]
"""
_SYSUSERS = """\
# The user of postroom where it writes outside of its own folders.
u postroom - "postroom" /var/lib/postroom
"""


@dataclass(frozen=True)
class Needs:
    """Which passwords systemd is to give, and where mail or attachments are written."""

    encrypted: tuple[Path, ...] = ()
    plain: tuple[Path, ...] = ()
    missing: tuple[Path, ...] = ()
    places: tuple[Path, ...] = ()

    def files(self, layout: Layout) -> Iterator[File]:
        """The drop-in, and the user who stays the same; none if nothing is needed."""
        if lines := [*self._lines()]:
            drop_in = layout.drop_ins / "postroom.service.d" / "10-settings.conf"
            yield File(drop_in, _HEADING + "".join(f"{each}\n" for each in lines))
        if self.places:
            yield File(Path("/etc/sysusers.d/postroom.conf"), _SYSUSERS)

    def _lines(self) -> Iterator[str]:
        for path in self.encrypted:
            yield f"LoadCredentialEncrypted={path.stem}:{path}"
        for path in self.plain:
            yield f"LoadCredential={path.name}:{path}"
        if self.places:
            yield from ("DynamicUser=no", "User=postroom", "Group=postroom")
        for place in self.places:
            yield f"ReadWritePaths={place}"


def find_needs(configuration: Configuration, layout: Layout) -> Needs:
    """What these settings and rules need; passwords stand beside the settings."""
    secrets = layout.settings / "secrets"
    encrypted, plain, missing = [], [], []
    for name in _credentials(configuration):
        if layout.real(cred := secrets / f"{name}.cred").exists():
            encrypted.append(cred)
        elif layout.real(path := secrets / name).exists():
            plain.append(path)
        else:
            missing.append(path)
    places = tuple(sorted(set(_places(configuration))))
    return Needs(tuple(encrypted), tuple(plain), tuple(missing), places)


def _credentials(configuration: Configuration) -> list[str]:
    parts = (each.partition(":") for each in references(configuration))
    return sorted({name for scheme, _, name in parts if scheme == "credential"})


def _places(configuration: Configuration) -> Iterator[Path]:
    settings = configuration.settings
    state = settings.postroom.state
    maildirs = map(settings.maildir_of, settings.account)
    rules = (rule for rule in configuration.rules if rule.enabled)
    saved = (place.folder for place in find_saved_places(rules))
    for place in (*filter(None, maildirs), *saved):
        if not place.is_relative_to(state):
            yield place
