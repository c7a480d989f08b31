"""What the owner has a running service do."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from postroom.errors import PermanentError
from postroom.log import get_logger
from postroom.ports import Hold, HoldKind
from postroom.service.codefiles import CodeFiles
from postroom.service.control import Control, listening, socket_path
from postroom.service.desk import Desk
from postroom.service.deskwork import answering
from postroom.service.housekeeping import old_before
from postroom.service.opening import store_path
from postroom.service.reload import Reloader
from postroom.service.supervisor import Service
from postroom.store.lock import note_control
from postroom.store.retention import Before

log = get_logger()

# In seconds; less than a command may take.
_PATIENCE = 45.0


@dataclass(frozen=True)
class Steering:
    """The controls of a running service; implements `desk.Controls`."""

    service: Service
    reloader: Reloader

    @property
    def accounts(self) -> Collection[str]:
        """The accounts of the settings."""
        return self.service.assembly.configuration.settings.account

    @property
    def rules(self) -> Collection[str]:
        """The names of the rules."""
        return self.service.assembly.book.edition.names

    def ring(self, account: str) -> None:
        """Have every mailbox of the account looked at now."""
        if account in self.service.stations:
            self.service.stations[account].look()

    async def look(self, account: str) -> str | None:
        """Have the account looked at now; what is wrong, and None while that is not
        known."""
        station = self.service.stations.get(account)
        return await station.look_and_tell(_PATIENCE) if station else None

    async def hold(self, hold: Hold) -> None:
        """Hold a rule or an account from now on."""
        async with self.service.changing:
            await self.service.assembly.holds.hold(hold.kind, hold.name, hold.reason)
            if hold.kind is HoldKind.ACCOUNT:
                await self.service.end_all([hold.name])

    async def release(self, kind: HoldKind, name: str) -> bool:
        """End a hold, and have what waited for it go on; False if there was none."""
        async with self.service.changing:
            released = await self.service.assembly.holds.release(kind, name)
            self.service.begin_all()
        if kind is HoldKind.RULE:
            for watch in self.service.watches:
                watch.call()
            self.service.assembly.ring_outward()
        return released

    async def reload(self) -> list[str]:
        """Read all that was written again; or the problems, and all stays as it was."""
        return await self.reloader.request()

    @property
    def old_before(self) -> Before:
        """Since when is kept what is done with, by the settings."""
        parts = self.service.assembly
        return old_before(parts.configuration.settings.postroom, parts.clock)

    def ring_sender(self) -> None:
        """Have what is due sent and performed now."""
        self.service.assembly.try_outward_now()

    def call(self, places: Iterable[tuple[str, str]]) -> None:
        """Have what can be done in these (account, mailbox) pairs done."""
        self.service.assembly.call_watches(places)


def make_steering(service: Service) -> Steering:
    """The controls of this service; the code of its plugins is that of now."""
    files = CodeFiles(service.assembly.configuration.plugins.files)
    return Steering(service, Reloader(service, files))


async def steer(steering: Steering) -> None:
    """Answer those who ask at the control socket, and reload, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(steering.reloader.run())
        try:
            await _answer(steering)
        except PermanentError as error:
            # Mail goes on; `status` says what is missing.
            log.error("control_unavailable", error=str(error))
            store = steering.service.assembly.store
            await store.notice("control", f"no commands are answered: {error}")


async def _answer(steering: Steering) -> None:
    parts = steering.service.assembly
    path = socket_path(parts.configuration.settings.postroom.state)
    desk = Desk(parts.store, steering, parts.clock)
    with listening(path) as channel:
        note_control(store_path(parts.configuration), path)
        await parts.store.notice("control", "")
        await Control(channel, answering(desk)).run()
