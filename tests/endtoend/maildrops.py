"""The daemon of a POP3 account, and what its Maildir and its maildrop hold."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.config.configuration import load_configuration
from postroom.ports import Clock
from postroom.service.opening import open_service
from tests.endtoend.daemon import Daemon
from tests.endtoend.oracle import Kind
from tests.endtoend.sorting import KINDS, RULES, forwarded
from tests.servers.certificates import Certificates
from tests.servers.dovecot import PASSWORD, DovecotServer
from tests.servers.dovecot_config import DOMAIN
from tests.servers.maildir import drafts_in, messages_in
from tests.servers.reading import Stored
from tests.servers.sink import RecordingSmtp

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.home]
address = "{address}"
password = "file:{folder}/word"
pop3 = {{ host = "127.0.0.1", {pop3} }}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", auth = false }}
{more}
"""


@dataclass
class PopDaemon(Daemon):
    """The daemon, and the Maildir it keeps."""

    @property
    def maildir(self) -> Path:
        """Where the Maildir is, if the settings name none."""
        return self.folder / "state" / "maildir" / "home"

    def stored(self) -> dict[str, list[Stored]]:
        """What the Maildir holds, whole; half-written there is nothing."""
        assert drafts_in(self.maildir) == []
        return messages_in(self.maildir)

    def visit(self, clock: Clock | None = None) -> tuple[str, ...]:
        """What `postroom run --once` does, within this process; what went wrong."""

        async def run() -> tuple[str, ...]:
            configuration = load_configuration(self.settings)
            async with (
                asyncio.timeout(60),
                open_service(configuration, clock=clock) as service,
            ):
                return await service.run_once()

        return asyncio.run(run())

    @contextmanager
    def once(self) -> Iterator[subprocess.Popen[bytes]]:
        """`postroom run --once` until the end of the block; it logs to nobody."""
        with subprocess.Popen(
            self.line("run", "--once"),
            env={**os.environ, **self.environment},
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield process
                process.wait(timeout=60)
            finally:
                process.kill()


@dataclass(frozen=True)
class PopHouse:
    """A folder, and a server that takes mail: what a daemon needs beside a maildrop."""

    folder: Path
    sink: RecordingSmtp

    def daemon(
        self, pop3: str, more: str = "", rules: str = RULES, user: str = "me"
    ) -> PopDaemon:
        """The daemon of a user at this maildrop; one made later remembers this one."""
        daemon = PopDaemon(self.folder, {})
        word = self.folder / "word"
        word.touch(mode=0o600)
        word.write_text(PASSWORD)
        settings = SETTINGS.format(
            folder=self.folder,
            address=f"{user}@{DOMAIN}",
            pop3=pop3,
            smtp=self.sink.port,
            more=more,
        )
        daemon.settings.write_text(settings)
        (self.folder / "rules.d").mkdir(exist_ok=True)
        (self.folder / "rules.d" / "10-all.toml").write_text(rules)
        return daemon

    def sent(self, kinds: Sequence[Kind] = KINDS) -> Counter[int]:
        """The numbers of the messages that were forwarded, each unchanged."""
        return forwarded((one.raw for one in self.sink.received), kinds)


def over_tls(dovecot: DovecotServer, certificates: Certificates) -> str:
    """The settings of Dovecot's POP3 over TLS."""
    return f'port = {dovecot.ports.pop3s}, ca = "{certificates.authority}"'


def in_the_clear(port: int) -> str:
    """The settings of a POP3 server without TLS."""
    return f'port = {port}, tls = "none"'
