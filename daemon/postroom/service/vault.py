"""The secrets of the running daemon, read anew at each login.

So a changed password is picked up without a restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from postroom.config.secrets import SecretError, Secrets
from postroom.errors import ConfigError, Problem, TemporaryError
from postroom.hooks.aside import done_aside
from postroom.log import get_logger

log = get_logger()

_SECONDS = 60.0


class Vault:
    """Gives the secrets that references name; values are kept in memory only."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._values: dict[str, str] = {}

    async def open(self, references: Iterable[str]) -> frozenset[str]:
        """Read these secrets; which are others than they were when last read.

        Raises `ConfigError` with all that can't be had.
        """
        problems, before = [], dict(self._values)
        for reference in references:
            try:
                self._values[reference] = await self._resolve(reference)
            except SecretError as error:
                problems.append(Problem(f"secret {reference}", str(error)))
        if problems:
            raise ConfigError(problems)
        values = self._values.items()
        return frozenset(each for each, value in values if before.get(each) != value)

    async def _resolve(self, reference: str) -> str:
        """In a thread: `command:` may take seconds, and a plugin for ever."""
        resolve = partial(self._secrets.resolve, reference)
        try:
            return await done_aside(f"secret {reference}", resolve, _SECONDS)
        except TemporaryError as error:
            raise SecretError(str(error)) from error

    def get(self, reference: str) -> str:
        """The secret as it is now; if it can't be had now, as it was. May be slow."""
        try:
            self._values[reference] = self._secrets.resolve(reference)
        except SecretError as error:
            log.warning("secret_unavailable", secret=reference, error=str(error))
        return self._values[reference]

    def mark(self, reference: str) -> object:
        """What is another one as soon as the secret may have changed."""
        return self._secrets.mark(reference)
