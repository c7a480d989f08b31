"""What the owner has a running service do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from postroom.ports import Hold, HoldKind
from postroom.service.codefiles import CodeFiles
from postroom.service.control import Control, listening, socket_path
from postroom.service.desk import Desk
from postroom.service.deskwork import answering
from postroom.service.opening import store_path
from postroom.service.reload import Reloader
from postroom.service.supervisor import Service
from postroom.store.lock import note_control


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
            self.service.stations[account].ring()

    async def hold(self, hold: Hold) -> None:
        """Hold a rule or an account from now on."""
        await self.service.assembly.holds.hold(hold.kind, hold.name, hold.reason)
        if hold.kind is HoldKind.ACCOUNT:
            await self.service.end(hold.name)

    async def release(self, kind: HoldKind, name: str) -> bool:
        """End a hold, and have what waited for it go on; False if there was none."""
        released = await self.service.assembly.holds.release(kind, name)
        if kind is HoldKind.RULE:
            for watch in self.service.watches:
                watch.call()
            self.ring_sender()
        elif name in self.accounts and name not in self.service.stations:
            self.service.begin(name)
        return released

    async def reload(self) -> list[str]:
        """Read all that was written again; or the problems, and all stays as it was."""
        return await self.reloader.reload()

    def ring_sender(self) -> None:
        """Say that there may be something to send or to perform."""
        self.service.assembly.ring_outward()

    def call(self, places: Iterable[tuple[str, str]]) -> None:
        """Have what can be done in these (account, mailbox) pairs done."""
        self.service.assembly.call_watches(places)


def make_steering(service: Service) -> Steering:
    """The controls of this service; the code of its plugins is that of now."""
    files = CodeFiles(service.assembly.configuration.plugins.files)
    return Steering(service, Reloader(service, files))


async def answer_commands(steering: Steering) -> None:
    """Answer those who ask at the control socket, until cancelled."""
    parts = steering.service.assembly
    path = socket_path(parts.configuration.settings.postroom.state)
    desk = Desk(parts.store, steering, parts.clock)
    with listening(path) as channel:
        note_control(store_path(parts.configuration), path)
        await Control(channel, answering(desk)).run()
