"""The secrets of the running daemon, read anew at each login.

So a changed password is picked up without a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from postroom.config.secrets import SecretError, Secrets
from postroom.errors import ConfigError, Problem
from postroom.log import get_logger

log = get_logger()


class Vault:
    """Gives the secrets that references name; values are kept in memory only."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._values: dict[str, str] = {}

    async def open(self, references: Iterable[str]) -> None:
        """Read these secrets; raises `ConfigError` with all that can't be had."""
        problems = []
        for reference in references:
            try:
                # In a thread: `command:` may take seconds.
                value = await asyncio.to_thread(self._secrets.resolve, reference)
                self._values[reference] = value
            except SecretError as error:
                problems.append(Problem(f"secret {reference}", str(error)))
        if problems:
            raise ConfigError(problems)

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
