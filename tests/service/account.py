"""An account of mailboxes in memory: who may connect, and what each session opens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from postroom.errors import AbsentMailbox, PostroomError
from postroom.ports import AccountReport, Standing
from tests.service.mailbox import ACCOUNT, MemoryMailbox


async def _stand_open() -> None:
    """Let everybody in at once."""


@dataclass
class MemoryAccount:
    """An account with these mailboxes; `refusals` are raised first, one a connection.

    `opened` has the mailboxes in the order in which they were opened, `asked` those
    whose standing was asked for; `closed` raises when a mailbox is to be opened.
    """

    boxes: Mapping[str, MemoryMailbox]
    refusals: list[PostroomError] = field(default_factory=list)
    name: str = ACCOUNT
    login_delay: float = 0
    tried: int = 0
    open_now: int = 0
    most_open: int = 0
    opened: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    closed: dict[str, PostroomError] = field(default_factory=dict)
    on_connect: Callable[[], None] = lambda: None
    door: Callable[[], Awaitable[None]] = _stand_open
    on_proof: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[MemorySession]:
        """Let somebody in."""
        self.tried += 1
        self.on_connect()
        await self.door()
        if self.refusals:
            raise self.refusals.pop(0)
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            yield MemorySession(self, self.tried)
        finally:
            self.open_now -= 1

    async def probe(self) -> AccountReport:
        """What it is like."""
        return AccountReport(frozenset(), tuple(self.boxes), "/")


@dataclass
class MemorySession:
    """One connection to the account."""

    account: MemoryAccount
    generation: int

    @property
    def login_delay(self) -> float:
        """The seconds from one login to the next that are wanted."""
        return self.account.login_delay

    async def open(self, mailbox: str) -> MemoryMailbox:
        """Open it, if it is there."""
        self.account.opened.append(mailbox)
        if mailbox in self.account.closed:
            raise self.account.closed[mailbox]
        if mailbox not in self.account.boxes:
            raise AbsentMailbox(f"there is no mailbox {mailbox}")
        return self.account.boxes[mailbox]

    async def standing(self, mailbox: str) -> Standing | None:
        """How it stands."""
        self.account.asked.append(mailbox)
        box = self.account.boxes.get(mailbox)
        return box.standing() if box else None

    async def prove(self) -> None:
        """Answer."""
        self.account.on_proof()
