"""The mailboxes a server has: found under the names it gives them, and made.

A user's name and the server's are one mailbox if they look the same; beside a mailbox
no second one is ever made that looks like it.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from postroom.errors import AbsentMailbox, PermanentError, RefusedForNow
from postroom.transport.imap.dialogue import Dialogue
from postroom.transport.imap.exchange import Exchange
from postroom.transport.imap.failures import Deferred, Refused
from postroom.transport.imap.listing import Listing
from postroom.transport.imap.names import Names, to_octets
from postroom.transport.imap.responses import listed
from postroom.transport.imap.specialuse import TRASH, SpecialUse, use_of
from postroom.transport.imap.wire import Part, string

_ABSENT = {"TRYCREATE", "NONEXISTENT"}
_UNTOLD = ""  # a refusal without a reason


@dataclass(frozen=True)
class Target:
    """A mailbox on the server: its name to the user, and to the server."""

    name: str
    encoded: str


class Directory:
    """The mailboxes of one connection, listed when they are needed for the first time,
    and anew once one was made or not found."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._listing: Listing | None = None
        self._stale = True
        self._sought: set[SpecialUse] = set()

    # -- names -------------------------------------------------------------------------

    def target(self, name: str) -> Target:
        """A mailbox under the server's name for it, as far as that is known.

        Raises `PermanentError` if no mailbox can have that name.
        """
        encoded = self._names.to_server(name)
        return Target(name, self._listing.to_server(name) if self._listing else encoded)

    async def find(self, name: str) -> Target | None:
        """The mailbox of this name, if the server lists it now."""
        found = (await self._look()).find(name)
        return self.target(name) if found and found.selectable else None

    async def mailboxes(self, named: Collection[str]) -> frozenset[str]:
        """What users call the mailboxes that are listed now; also those of these names
        by which one of them is found."""
        listing = await self._look()
        found = ((name, listing.find(name)) for name in named)
        called = frozenset(name for name, box in found if box and box.selectable)
        return listing.mailboxes() | called

    async def trash(self) -> str:
        """The name of the mailbox for what is deleted, which need not be there."""
        found = (await self._known()).serving(TRASH)
        return self._names.to_user(found.name) if found else TRASH.usual[0]

    async def uses(self) -> dict[str, str]:
        """The mailboxes of special use, by the usual names of these."""
        return (await self._known()).uses()

    async def meant_by(self, name: str) -> str:
        """The mailbox that `name` means: the one of that name, even if there is none
        yet; or for the usual name of a special use the one that has that use. What is
        below a usual name is below that one."""
        told = self._names.spelling(name)
        first, slash, below = told.partition("/")
        use = use_of(first)
        if use is None or (slash and await self._has(told)):
            return told
        return f"{await self._meant_by(first, use)}{slash}{below}"

    # -- commands on mailboxes ---------------------------------------------------------

    async def run(self, verb: str, name: str, *parts: Part) -> Exchange:
        """Have a command done on a mailbox, whatever the server's name for it is.

        Raises `AbsentMailbox` if there is none.
        """
        target = self.target(name)
        try:
            return await self._ask(verb, target, *parts)
        except Refused as refusal:
            found = await self._recognise(target, refusal)
        return await self._ask(verb, found, *parts)

    async def provide(self, target: Target, refusal: Refused) -> Target:
        """The mailbox for which a command was refused, made if it is absent.

        Raises the refusal if there is another reason for it, or if the mailbox would be
        in a namespace of others.
        """
        told = refusal.reason in _ABSENT
        if not told and refusal.reason != _UNTOLD:
            raise refusal
        if not told or not self._is_unmistakable(target):
            found = await self.find(target.name)
            if found and not told and found == target:
                raise refusal
            if found:
                return found
            target = self.target(target.name)
        if not self._names.owns(to_octets(target.encoded)):
            told_why = f"{target.name} is not there, and not ours to make: {refusal}"
            raise Refused(told_why, refusal.codes) from refusal
        await self._make(target)
        return target

    # -- insides -----------------------------------------------------------------------

    @property
    def _names(self) -> Names:
        return self._dialogue.names

    async def _known(self) -> Listing:
        if self._listing is None or self._stale:
            return await self._look()
        return self._listing

    async def _look(self) -> Listing:
        asked: tuple[bytes, ...] = (b'""', b'"*"')
        if {"SPECIAL-USE", "LIST-EXTENDED"} <= self._dialogue.capabilities:
            asked += (b"RETURN (SPECIAL-USE)",)
        exchange = await self._dialogue.run_long("LIST", *asked)
        with self._dialogue.reading():
            self._listing = Listing(self._names, listed(exchange.frames))
        self._stale = False
        return self._listing

    async def _has(self, name: str) -> bool:
        found = (await self._known()).find(name)
        return found is not None and found.selectable

    async def _meant_by(self, name: str, use: SpecialUse) -> str:
        # Where nothing serves that use, the list is asked for once more, not each time.
        asked = self._stale or use in self._sought
        listing = await self._known()
        if not asked and not listing.serving(use):
            listing = await self._look()
        self._sought.add(use)
        exact = listing.find(name)
        found = None if exact and exact.selectable else listing.serving(use)
        return self._names.to_user(found.name) if found else name

    def _is_unmistakable(self, target: Target) -> bool:
        """True if no other name can look like this one: the server's is the same."""
        # Where `/` is no delimiter, a name that has one is told with `_` instead.
        plain = self._names.delimiter == "/" or "_" not in target.name
        return plain and target.encoded == target.name and target.name.isascii()

    async def _recognise(self, target: Target, refusal: Refused) -> Target:
        """The mailbox that a command meant that was refused; raises `AbsentMailbox`, or
        if it is there under this very name, `RefusedForNow`."""
        told = refusal.reason in _ABSENT
        if not told and refusal.reason != _UNTOLD:
            raise refusal
        found = await self._twin(target, told=told)
        if found is None or (told and found == target):
            self._stale = True
            absent = f"there is no mailbox {target.name}: {refusal}"
            raise AbsentMailbox(absent) from refusal
        if found == target:
            # Some answer so while the store behind them is away.
            raise RefusedForNow(str(refusal)) from refusal
        return found

    async def _twin(self, target: Target, *, told: bool) -> Target | None:
        if not self._is_unmistakable(target):
            return await self.find(target.name)
        return target if not told and await self._is_listed(target) else None

    async def _is_listed(self, target: Target) -> bool:
        name = string(target.encoded)
        exchange = await self._dialogue.run("LIST", b'""', name)
        with self._dialogue.reading():
            found = Listing(self._names, listed(exchange.frames)).find(target.name)
        # A name that holds a wildcard matches others as well.
        return found is not None and found.selectable

    async def _make(self, target: Target) -> None:
        try:
            await self._create(target)
        except (Refused, Deferred) as refusal:
            told = f"there is no mailbox {target.name}: {refusal}"
            raise type(refusal)(told, refusal.codes) from refusal
        self._stale = True
        # A mailbox serves without a subscription, too.
        with suppress(PermanentError, RefusedForNow):
            await self._ask("SUBSCRIBE", target)

    async def _create(self, target: Target) -> None:
        try:
            await self._create_once(target)
        except Refused as refusal:
            if refusal.reason not in _ABSENT | {_UNTOLD}:
                raise
            # Another program may have been quicker.
            if await self.find(target.name):
                return
            if "/" not in target.name:
                raise
            await self._create_by_steps(target)

    async def _create_by_steps(self, target: Target) -> None:
        """Make the levels above first, which the server SHOULD do by itself (RFC 3501,
        section 6.3.3).

        The first that is refused ends it. The levels that were made before remain: by
        then another program may use them.
        """
        parts = target.name.split("/")
        for depth in range(1, len(parts)):
            await self._create_level(self.target("/".join(parts[:depth])))
        try:
            await self._create_once(target)
        except Refused:
            if not await self.find(target.name):
                raise

    async def _create_level(self, level: Target) -> None:
        try:
            await self._create_once(level)
        except Refused:
            # It may be there, and be no mailbox.
            if not (await self._look()).find(level.name):
                raise

    async def _create_once(self, target: Target) -> None:
        try:
            await self._ask("CREATE", target)
        except Refused as refusal:
            # RFC 5530, section 3: another program was quicker.
            if refusal.reason != "ALREADYEXISTS":
                raise

    async def _ask(self, verb: str, target: Target, *parts: Part) -> Exchange:
        return await self._dialogue.run(verb, string(target.encoded), *parts)
