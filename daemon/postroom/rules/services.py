"""What conditions and actions may use of the outside, and nothing else of it.

Every call has a deadline of its own and raises `TemporaryError` or `PermanentError`.
In a dry run nothing is written: what would write does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol


@dataclass(frozen=True)
class Response:
    """What a web server answered: the status, and at most 64 KiB of the body."""

    status: int
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status, and at most 64 KiB of its output."""

    status: int
    output: bytes = field(repr=False)


class Http(Protocol):
    """Web requests over HTTPS to public addresses, each within 10 seconds."""

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Ask for a resource; redirects are not followed."""

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a resource; redirects are not followed."""


class Run(Protocol):
    """Programs, started without a shell and with a bare environment."""

    async def __call__(
        self,
        arguments: Sequence[str],
        content: bytes = b"",
        environment: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Ended:
        """Run a program, named by its path from the root, with `content` as its input;
        it is killed after `timeout` seconds."""


class Files(Protocol):
    """Files in the plugin's own folder; a name that leads out of it is refused."""

    async def read(self, name: str) -> bytes | None:
        """What is in a file; None if there is none."""

    async def write(self, name: str, content: bytes) -> None:
        """Put this into a file, all or nothing, and on disk when it returns."""

    async def append(self, name: str, content: bytes) -> None:
        """Add this to the end of a file."""


class Places(Protocol):
    """Folders anywhere on this machine, each named by its owner in a rule or a setting.

    With a `quota` nothing is put there that would make all files beneath the folder
    more than so many octets: it raises `TemporaryError`, as a full disk does.
    """

    async def write(
        self,
        folder: str,
        levels: Sequence[str],
        name: str,
        content: bytes,
        quota: int | None = None,
    ) -> str:
        """Put this into a new file so many levels below the folder, and give its path.

        All or nothing, and on disk when it returns. What is there stays: a number is
        added to the name, unless it is the same content, which is not written again.
        """

    async def deliver(
        self,
        maildir: str,
        folder: str,
        content: bytes,
        received: datetime,
        quota: int | None = None,
    ) -> None:
        """Put a message into a folder of a Maildir, which is made if it is absent; what
        is delivered again under the same `key` of the services is there once."""


class Memory(Protocol):
    """What the plugin remembers from one message to another, each for its life."""

    async def get(self, key: str) -> str | None:
        """What was put under this key, if its life has not ended."""

    async def put(self, key: str, value: str, life: timedelta) -> None:
        """Remember this for so long."""


class Services(Protocol):
    """All that a plugin may use of the outside while it gathers or performs."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The plugin's table `[plugin.NAME]` of the settings."""

    @property
    def http(self) -> Http:
        """Web requests."""

    @property
    def run(self) -> Run:
        """Programs."""

    @property
    def files(self) -> Files:
        """Files of the plugin."""

    @property
    def places(self) -> Places:
        """Folders anywhere on this machine."""

    @property
    def remember(self) -> Memory:
        """The plugin's memory."""

    @property
    def key(self) -> str:
        """What is performed, in a name that is the same at each attempt; empty while
        gathering."""

    @property
    def content(self) -> bytes | None:
        """The message's octets, for a `Perform` that needs them."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
