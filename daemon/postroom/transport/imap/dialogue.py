"""What the questions about mailboxes need of a connection, and no more."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.names import Names
from postroom.transport.imap.wire import Part


class Dialogue(Protocol):
    """What is asked of the connection."""

    @property
    def names(self) -> Names:
        """How the server names mailboxes."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server can do."""

    async def run(self, name: str, *parts: Part) -> Exchange:
        """Have a short command done."""

    async def run_long(self, name: str, *parts: Part) -> Exchange:
        """Have a long command done."""

    def reading(self) -> AbstractContextManager[None]:
        """End the connection if an answer can't be understood."""
