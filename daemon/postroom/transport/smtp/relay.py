"""The relay that the sender uses: one session, kept from message to message."""

from __future__ import annotations

from collections.abc import Sequence

from postroom.mail.envelope import Outgoing
from postroom.ports import Receipt
from postroom.transport.smtp.refusals import refusals
from postroom.transport.smtp.session import Session, SubmissionServer, open_session
from postroom.transport.smtp.transaction import (
    BeforeDot,
    SessionUnusable,
    Transaction,
)


class SmtpRelay:
    """A submission server as `postroom.ports.Relay` has it; one call at a time."""

    def __init__(self, server: SubmissionServer) -> None:
        self._server = server
        self._session: Session | None = None

    async def send(
        self, outgoing: Outgoing, recipients: Sequence[str], before_dot: BeforeDot
    ) -> dict[str, Receipt]:
        """Send to these recipients in one transaction; a receipt for each."""
        try:
            return await self._send(outgoing, recipients, before_dot)
        except BaseException:
            # Cancelled, refused or cut: half a transaction must not meet the next one.
            self._abandon()
            raise

    async def probe(self) -> frozenset[str]:
        """Connect, log in, and tell the server's extensions."""
        session = await open_session(self._server)
        await session.wire.close(self._server.timings.quit)
        lines = (" ".join(each) for each in session.extensions.items())
        return frozenset(line.strip().upper() for line in lines)

    async def close(self) -> None:
        """Say QUIT and close; never raises."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.wire.close(self._server.timings.quit)

    async def _send(
        self, outgoing: Outgoing, recipients: Sequence[str], before_dot: BeforeDot
    ) -> dict[str, Receipt]:
        if self._session is not None and self._session.wire.alive:
            # A server may close a kept session at any time. As nothing of the message
            # was accepted, a new one is no second try.
            try:
                return await self._attempt(
                    self._session, outgoing, recipients, before_dot
                )
            except SessionUnusable:
                self._abandon()
        self._session = await open_session(self._server)
        return await self._attempt(self._session, outgoing, recipients, before_dot)

    async def _attempt(
        self,
        session: Session,
        outgoing: Outgoing,
        recipients: Sequence[str],
        before_dot: BeforeDot,
    ) -> dict[str, Receipt]:
        refused = await refusals(outgoing, recipients, session)
        remaining = [each for each in recipients if each not in refused]
        if not remaining:
            return refused
        transaction = Transaction(session, self._server.timings, outgoing)
        return refused | await transaction.run(remaining, before_dot)

    def _abandon(self) -> None:
        if self._session is not None:
            self._session.wire.abort()
            self._session = None
