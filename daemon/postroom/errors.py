"""Every exception that postroom raises on purpose.

Adapters translate what their library raises into `TemporaryError` or `PermanentError`
at the edge, so that nobody above them sees a library's exception.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Problem:
    """One thing wrong in what the user wrote: where it is, and what was expected. A
    rule without a name is told by its number in the file."""

    file: str
    message: str
    rule: str | int | None = None
    key: str | None = None

    def __str__(self) -> str:
        places = [place for place in (self.file, self.title, self.key) if place]
        return ": ".join([*places, self.message])

    @property
    def title(self) -> str:
        """The rule as a person is told of it; empty if it is of none."""
        if isinstance(self.rule, int):
            return f"rule {self.rule} (without a name)"
        return f"rule {self.rule!r}" if self.rule else ""


class PostroomError(Exception):
    """The root of all that postroom raises on purpose."""


class ConfigError(PostroomError):
    """Something the user wrote is wrong; carries every problem found, not the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class PluginError(PostroomError):
    """A plugin did what it may not, or failed; says which, and in which rule."""

    def __init__(self, plugin: str, message: str, rule: str | None = None) -> None:
        self.plugin = plugin
        self.message = message
        self.rule = rule
        super().__init__(f"{plugin}: {message}")

    def within(self, rule: str) -> Self:
        """The same failure, told to be of this rule."""
        return type(self)(self.plugin, self.message, rule)


class TemporaryError(PostroomError):
    """It did not work now; the same may work later."""


class Blameless(TemporaryError):
    """It did not work now, and no message that was asked for is to blame."""


class LocalTrouble(Blameless):
    """Something is wrong on this machine, such as its disk."""


class StoreUnavailable(LocalTrouble):
    """The store can't be written now, as on a full disk."""


class MaildirUnavailable(LocalTrouble):
    """A Maildir can't be read or written now, as on a full disk."""


class RefusedForNow(TemporaryError):
    """The server refuses this now and may do it later; the connection is fine."""


class Withdrawn(TemporaryError):
    """The delivery was held or withdrawn meanwhile: nothing of it is to be sent."""


class Unreached(TemporaryError):
    """The server could not be reached: it was told nothing of who we are."""


class TooManyConnections(RefusedForNow):
    """The server has as many connections of this account as it wants."""


class PermanentError(PostroomError):
    """It did not work, and trying the same again will not help."""


class AbsentMailbox(PermanentError):
    """The server has no mailbox of that name."""


class AuthenticationError(PermanentError):
    """The server refused the credentials."""


class StoreError(PermanentError):
    """The store can't be used: held by another daemon, too new, or damaged."""


class ContentError(StoreError):
    """The octets of one message are missing or damaged in the store; others are not."""
