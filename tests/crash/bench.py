"""Where the program is killed: at mailboxes of a real server, with a server that takes
mail; what each of them has in the end is the verdict, not what postroom says.

`Bench` lasts for a test; each trial has a folder, mailboxes and a memory of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import IO

from tests.crash.letters import (
    BOOKS,
    REFUSED,
    Kind,
    letter,
    number_in,
    rules,
    wanted,
)
from tests.crash.verdict import Ledger, Verdict, judge
from tests.servers.dovecot import DovecotServer
from tests.servers.maildir import messages_in
from tests.servers.sink import Received, RecordingSmtp, recording_smtp

ROOT = Path(__file__).parent.parent.parent
ZYGOTE = Path(__file__).with_name("zygote.py")
# A user whose session was killed is not used again before the server has seen its end.
USERS = 6
# After the last kill, so many runs must be enough.
MOST_DRAINS = 3

SETTINGS = """
[postroom]
state = "{folder}/state"
failpoints = true

[account.home]
address = "{address}"
aliases = ["me@dovecot.test"]
password = "file:{folder}/word"
{server}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", auth = false }}
"""
IMAP = 'imap = {{ host = "127.0.0.1", port = {imap}, tls = "none" }}\n'
POP3 = 'pop3 = {{ host = "127.0.0.1", port = {pop3}, tls = "none" }}\n'

Around = Callable[[int], AbstractContextManager[None]]


def _in_peace(pid: int) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass
class Program:
    """A process that forks the program, from this source tree; `source` is where
    `daemon` and `plugins` are."""

    source: Path = ROOT
    _process: subprocess.Popen[str] | None = None

    @contextmanager
    def loaded(self) -> Iterator[Program]:
        """Ready to fork until the end of the block."""
        folders = [self.source / "daemon", self.source / "plugins"]
        path = os.pathsep.join(map(str, folders))
        with subprocess.Popen(
            [sys.executable, str(ZYGOTE)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as self._process:
            yield self
            _pipe(self._process.stdin).close()

    def run(
        self, settings: Path, log: Path, failpoint: str = "", around: Around = _in_peace
    ) -> int:
        """`postroom run --once`: its exit status. `around` is entered with its PID
        before it begins, and left when it goes on."""
        assert self._process is not None
        request = {"settings": str(settings), "log": str(log), "failpoint": failpoint}
        _pipe(self._process.stdin).write(json.dumps(request) + "\n")
        _pipe(self._process.stdin).flush()
        answers = _pipe(self._process.stdout)
        pid = int(answers.readline())
        with around(pid):
            os.kill(pid, signal.SIGCONT)
        return int(answers.readline())


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@dataclass(frozen=True)
class Place:
    """Whose mail it is: an account's table without its names, and where its letters are
    in the end (in the maildrop, or below the state)."""

    name: str
    table: str
    is_local: bool = False
    keep: bool = False

    def remains(self, kinds: Sequence[Kind]) -> int:
        """How many letters must be left in the maildrop: also what failed in part."""
        return sum(self.keep or kind.is_refused for kind in kinds)


OVER_IMAP = Place("IMAP", IMAP + 'existing = "process"')
OVER_IMAP_BY_STEPS = Place("IMAP without MOVE", OVER_IMAP.table)
OVER_POP3 = Place("POP3", POP3, is_local=True)
OVER_POP3_KEPT = Place("POP3, kept", POP3 + "keep = true", is_local=True, keep=True)


@dataclass
class Trial:
    """A program at a mailbox with letters of these kinds, and what it has been through.

    `unknown` counts the deliveries that it found unknown, by its own record.
    """

    folder: Path
    dovecot: DovecotServer
    user: str
    sink: RecordingSmtp
    program: Program
    place: Place
    kinds: Sequence[Kind]
    kills: int = 0
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.dovecot.forget(self.user)
        raws = (letter(kind, number) for number, kind in enumerate(self.kinds))
        self.dovecot.backlog(self.user, raws)
        word = self.folder / "word"
        word.touch(mode=0o600)
        word.write_text(self.dovecot.password)
        (self.folder / "saved").mkdir()
        (self.folder / "rules.d").mkdir()
        (self.folder / "rules.d" / "10-all.toml").write_text(rules(str(self.saved)))
        self.write_settings()

    @property
    def settings(self) -> Path:
        """Where the settings are."""
        return self.folder / "postroom.toml"

    @property
    def saved(self) -> Path:
        """Where letters are saved."""
        return self.folder / "saved"

    def write_settings(self, more: str = "") -> None:
        """Write the settings, with this behind them."""
        ports = self.dovecot.ports
        server = self.place.table.format(imap=ports.imap, pop3=ports.pop3)
        text = SETTINGS.format(
            folder=self.folder,
            address=self.dovecot.address(self.user),
            server=server,
            smtp=self.sink.port,
        )
        self.settings.write_text(text + more)

    def run(self, failpoint: str = "", around: Around = _in_peace) -> int:
        """Run it once; its exit status. A kill is counted."""
        log = self.folder / "log"
        status = self.program.run(self.settings, log, failpoint, around)
        if status == -signal.SIGKILL:
            self.kills += 1
        return status

    def drain(self) -> Verdict:
        """Run it until all is as it must be, in peace, and judge what there is."""
        begun = time.monotonic()
        for _ in range(MOST_DRAINS):
            status = self.run()
            verdict = self.verdict(time.monotonic() - begun)
            if status >= 0 and not verdict.wrong:
                break
        return verdict

    def verdict(self, recovery: float | None = None) -> Verdict:
        """What there is, against what must be."""
        judged = judge(
            wanted(self.kinds),
            self.ledger(),
            kills=self.kills,
            unknown=self.unknown(),
            failures=self.failures,
            recovery=recovery,
        )
        return judged + Verdict(failures=tuple(self._left()))

    def ledger(self) -> Ledger:
        """What the servers, the Maildir and the folder of saved letters have."""
        stored = (
            messages_in(self._maildir)
            if self.place.is_local and self._maildir.exists()
            else self.dovecot.mailboxes(self.user)
        )
        received = self.sink.received
        return Ledger(
            places=Counter(
                (name, number_in(each.raw), each.flags)
                for name, all_ in stored.items()
                for each in all_
            ),
            saved=Counter(number_in(f.read_bytes()) for f in self.saved.iterdir()),
            forwards=_by_number(one for one in received if BOOKS in one.recipients),
            replies=_by_number(one for one in received if _is_reply(one)),
        )

    def unknown(self) -> int:
        """How many deliveries it found unknown. Of its log the last lines may be lost
        by a kill; each attempt is in its store."""
        store = self.folder / "state" / "postroom.db"
        if not store.exists():
            return 0
        query = "SELECT count(*) FROM attempt WHERE outcome = 'unknown'"
        made = "SELECT count(*) FROM sqlite_master WHERE name = 'attempt'"
        with closing(sqlite3.connect(store)) as connection:
            if not connection.execute(made).fetchone()[0]:
                return 0  # it was killed before there was anything in it
            return int(connection.execute(query).fetchone()[0])

    @property
    def _maildir(self) -> Path:
        return self.folder / "state" / "maildir" / "home"

    def _left(self) -> list[str]:
        """What is wrong with the maildrop; what has an unknown reply stays there."""
        if not self.place.is_local:
            return []
        left = len(self.dovecot.mailboxes(self.user)["INBOX"])
        least = self.place.remains(self.kinds)
        most = least if self.place.keep else least + self.unknown()
        right = least <= left <= most
        return [] if right else [f"{left} left on the server"]


def _is_reply(one: Received) -> bool:
    return one.recipients[0].endswith("@friends.example")


def _by_number(sent: Iterable[Received]) -> Mapping[int, tuple[bytes, ...]]:
    found: defaultdict[int, list[bytes]] = defaultdict(list)
    for one in sent:
        name = one.recipients[0]
        about = int(name[3:].partition("@")[0]) if _is_reply(one) else None
        found[number_in(one.raw) if about is None else about].append(one.raw)
    return {number: tuple(raws) for number, raws in found.items()}


@dataclass
class Bench:
    """Makes trials, one after the other."""

    folder: Path
    dovecot: DovecotServer
    program: Program
    users: Iterator[str]
    _serial: Iterator[int] = field(default_factory=count)

    @contextmanager
    def trial(self, place: Place, kinds: Collection[Kind]) -> Iterator[Trial]:
        """One with a letter of each of these kinds; nothing is left of it."""
        folder = self.folder / f"trial-{next(self._serial)}"
        with recording_smtp() as sink:
            sink.refusals[REFUSED] = "550 5.1.1 nobody of that name"
            yield Trial(
                folder,
                self.dovecot,
                next(self.users),
                sink,
                self.program,
                place,
                [*kinds],
            )
        shutil.rmtree(folder)


@contextmanager
def opened_bench(
    folder: Path, dovecot: DovecotServer, source: Path = ROOT
) -> Iterator[Bench]:
    """A bench for the program of this source tree, until the end of the block."""
    users = cycle([dovecot.new_user() for _ in range(USERS)])
    with Program(source).loaded() as program:
        yield Bench(folder, dovecot, program, users)
