"""Where the files of a new installation stand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from postroom.errors import PermanentError

_SYSTEM = Path("/etc/postroom")
_SYSTEM_STATE = Path("/var/lib/postroom")


@dataclass(frozen=True)
class Places:
    """The settings file, what stands beside it, and the state that it will name.

    `is_usual` tells that commands find the settings by themselves.
    """

    settings: Path
    state: Path
    is_usual: bool

    @property
    def folder(self) -> Path:
        """The folder of the settings."""
        return self.settings.parent

    @property
    def rule(self) -> Path:
        """The file of the first rule."""
        return self.folder / "rules.d" / "10-first.toml"

    @property
    def password(self) -> Path:
        """The file of a password that is typed."""
        return self.folder / "password"

    def require_free(self) -> None:
        """Raise `PermanentError` if a file is there that would be overwritten."""
        for path in (self.settings, self.rule):
            if path.exists():
                raise PermanentError(
                    f"{path} is there already, and nothing is overwritten: "
                    "edit it, or name another place with --config"
                )


def find_places(
    config: Path | None, environment: Mapping[str, str] = os.environ
) -> Places:
    """Where it is to be: as told, for root below /etc, else below the user's home."""
    home = Path(environment.get("HOME", "~")).expanduser()
    own = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "postroom"
    own_state = Path(environment.get("XDG_STATE_HOME") or home / ".local/state")
    told = config or environment.get("POSTROOM_CONFIG")
    usual = _SYSTEM if os.geteuid() == 0 else own
    path = Path(told).expanduser().absolute() if told else usual / "postroom.toml"
    states = {_SYSTEM: _SYSTEM_STATE, own: own_state / "postroom"}
    state = states.get(path.parent, path.parent / "state")
    is_found = path.parent in states and path.name == "postroom.toml"
    return Places(path, state, is_found or config is None)
