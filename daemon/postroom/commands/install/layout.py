"""Where the files of an installation stand: on the machine, or in a user's home."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from postroom.errors import PermanentError

# The unit of the system sees neither: systemd.exec(5), ProtectHome=.
_HIDDEN = ("/home", "/root", "/run/user")


@dataclass(frozen=True)
class Layout:
    """The folders that files go into, as they will be named; `root` stands before them
    while a package is built. `home` is where postroom itself lies."""

    prefix: Path
    units: Path
    drop_ins: Path
    settings: Path
    home: Path
    root: Path = Path("/")
    is_user: bool = False

    @property
    def program(self) -> Path:
        """The program that the unit starts."""
        return self.home / "bin" / "postroom"

    @property
    def share(self) -> Path:
        """Where what is not code goes."""
        return self.prefix / "share"

    @property
    def python(self) -> Path | None:
        """Where the interpreter lies, if not in /usr or where postroom does."""
        base = Path(sys.base_prefix)
        inside = (Path("/usr"), self.root / self.home.relative_to("/"))
        return None if any(base.is_relative_to(each) for each in inside) else base

    def real(self, path: Path) -> Path:
        """Where a file is written that will be named `path`."""
        return self.root / path.relative_to("/")

    def require_visible(self) -> None:
        """Raise `PermanentError` where the unit could not see what it is to start."""
        if self.is_user:
            return
        for place in filter(None, (self.home, self.python)):
            if place.is_relative_to("/home") or str(place).startswith(_HIDDEN):
                raise PermanentError(
                    f"{place}: a unit of the system does not see into {place.parts[1]}:"
                    " install postroom in /opt/postroom, or for yourself with --user"
                )


def lay_out(
    user: bool,
    prefix: Path | None,
    root: Path | None,
    environment: Mapping[str, str] = os.environ,
) -> Layout:
    """The places for the whole machine, or for one user."""
    top = (root or Path("/")).absolute()
    lies = Path(sys.prefix)
    home = Path("/") / lies.relative_to(top) if lies.is_relative_to(top) else lies
    if not user:
        usual = (prefix or Path("/usr/local")).absolute()
        units = usual / "lib" / "systemd" / "system"
        own = Path("/etc/systemd/system")
        return Layout(usual, units, own, Path("/etc/postroom"), home, top)
    house = Path(environment.get("HOME", "~")).expanduser()
    config = Path(environment.get("XDG_CONFIG_HOME") or house / ".config")
    units = config / "systemd" / "user"
    usual = (prefix or house / ".local").absolute()
    return Layout(usual, units, units, config / "postroom", home, top, is_user=True)
