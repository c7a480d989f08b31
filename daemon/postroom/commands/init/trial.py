"""Logging in with what is to be written, before it is: with leave only."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from postroom.commands.connecting import Answer, ask_servers
from postroom.commands.init.answers import Draft
from postroom.commands.init.places import Places
from postroom.commands.init.texts import settings_text
from postroom.config.configuration import Configuration, read_settings
from postroom.config.secrets import Secrets
from postroom.config.settings import Settings
from postroom.errors import ConfigError, Problem
from postroom.hooks.plugins import Plugins
from postroom.ports import Ruleset

_TYPED = "POSTROOM_TYPED"
_DEADLINE = 30.0


@dataclass(frozen=True)
class Trial:
    """What came of it: what to tell, the mailboxes that are there (none if the login
    failed), and whether all of it worked."""

    lines: Sequence[str]
    mailboxes: tuple[str, ...]
    worked: bool


def find_problems(places: Places, draft: Draft) -> list[Problem]:
    """What `postroom check` would say of the draft."""
    return _read(places, draft)[1]


def try_out(places: Places, draft: Draft) -> Trial:
    """Log in to both servers; raises `ConfigError` for a draft that can't be."""
    environment = {}
    if draft.typed is not None:
        # Its file is not written yet.
        environment[_TYPED] = draft.typed
        draft = replace(draft, password=f"env:{_TYPED}")
    settings, problems = _read(places, draft)
    if settings is None:
        raise ConfigError(problems)
    secrets = Secrets(environment=environment) if environment else Secrets()
    configuration = Configuration(
        places.settings, settings, Plugins(()), secrets, (), Ruleset(())
    )
    answers = asyncio.run(ask_servers(configuration, _DEADLINE))
    lists = [each.report.mailboxes for each in answers if each.report]
    worked = not any(each.error for each in answers)
    return Trial([*_tell(answers)], lists[0] if lists else (), worked)


def _read(places: Places, draft: Draft) -> tuple[Settings | None, list[Problem]]:
    with tempfile.TemporaryDirectory(prefix="postroom-init-") as folder:
        path = Path(folder, "postroom.toml")
        path.write_text(settings_text(places, draft), encoding="utf-8")
        return read_settings(path)


def _tell(answers: Sequence[Answer]) -> Iterator[str]:
    for answer in answers:
        name = answer.kind.upper()
        if answer.error:
            yield f"{name} {answer.where}: {answer.error}"
        else:
            yield f"{name} {answer.where}: it works"
