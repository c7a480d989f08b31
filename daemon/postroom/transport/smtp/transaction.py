"""One mail transaction: MAIL, RCPT, DATA, the content, the final dot, its reply.

Up to the final dot nothing was sent to anyone. After it only a well-formed reply tells
what came of it; without one the result is *unknown*. Nothing follows the dot before its
reply: the answer to something else must not be taken for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from postroom.errors import AuthenticationError, TemporaryError
from postroom.failpoints import Point, reach
from postroom.mail.envelope import Outgoing
from postroom.ports import DeliveryState, Receipt
from postroom.transport.smtp.content import dot_stuffed
from postroom.transport.smtp.session import Session, Timings
from postroom.transport.smtp.verdicts import read_reply
from postroom.transport.smtp.wire import ConversationBroken, Reply

BeforeDot = Callable[[Sequence[str]], Awaitable[None]]

_CLOSING = 421
_START_INPUT = 354
_NOT_LOGGED_IN = {530, 534, 535, 538}  # RFC 4954, section 6
# RFC 5321, section 4.5.3.1.10: "too many recipients", and 552 is to be read as 452.
_TOO_MANY_RECIPIENTS = {452, 552}


class SessionUnusable(TemporaryError):
    """The session ended before anything of the message was accepted."""


class Transaction:
    """The sending of one message over one session."""

    def __init__(self, session: Session, timings: Timings, outgoing: Outgoing) -> None:
        self._session = session
        self._outgoing = outgoing
        self._wire = session.wire
        self._timings = timings

    async def run(
        self, recipients: Sequence[str], before_dot: BeforeDot
    ) -> dict[str, Receipt]:
        """Send to these recipients; a receipt for each.

        Raises `SessionUnusable`, or `TemporaryError` or `AuthenticationError` where the
        server will have nothing to do with us; then nothing was sent.
        """
        refusal = await self._mail(recipients)
        if refusal is not None:
            await self._reset()
            return dict.fromkeys(recipients, refusal)
        receipts: dict[str, Receipt] = {}
        try:
            await self._send(recipients, before_dot, receipts)
        except ConversationBroken as error:
            broken = Receipt(DeliveryState.DELAYED, 0, f"not sent: {error}")
            return dict.fromkeys(recipients, broken) | receipts
        return receipts

    async def _send(
        self,
        recipients: Sequence[str],
        before_dot: BeforeDot,
        receipts: dict[str, Receipt],
    ) -> None:
        """Fill in `receipts`; those that are missing when it raises were not sent."""
        for recipient in recipients:
            refusal = await self._rcpt(recipient)
            if refusal is not None:
                receipts[recipient] = refusal
                reach(Point.C12)
        accepted = [each for each in recipients if each not in receipts]
        refusal = await self._data() if accepted else None
        if refusal is not None:
            receipts |= dict.fromkeys(accepted, refusal)
        if len(receipts) == len(recipients):
            await self._reset()
            return
        await self._write(self._outgoing.content)
        reach(Point.C9)
        await before_dot(accepted)
        # A server that spoke or hung up since its 354 gets no dot: its words could not
        # be told from the reply to it.
        await self._wire.listen()
        reach(Point.W1)
        receipts |= dict.fromkeys(accepted, await self._final_dot())

    async def _mail(self, recipients: Sequence[str]) -> Receipt | None:
        command = self._mail_command(recipients)
        try:
            reply = await self._wire.ask(command, self._timings.command)
        except ConversationBroken as error:
            raise SessionUnusable(str(error)) from error
        if reply.code == _CLOSING:
            raise SessionUnusable(f"the server said {reply}")
        return self._refusal(reply, at_mail=True)

    def _mail_command(self, recipients: Sequence[str]) -> bytes:
        outgoing = self._outgoing
        sender = outgoing.envelope.sender or ""
        words = [f"MAIL FROM:<{sender}>"]
        if self._session.offers("size"):
            words.append(f"SIZE={len(outgoing.content)}")
        if not outgoing.content.isascii():
            words.append("BODY=8BITMIME")
        if not all(map(str.isascii, [sender, *recipients])):
            words.append("SMTPUTF8")
        return " ".join(words).encode()

    async def _rcpt(self, recipient: str) -> Receipt | None:
        refusal = self._refusal(await self._ask(f"RCPT TO:<{recipient}>".encode()))
        if refusal is not None and refusal.code in _TOO_MANY_RECIPIENTS:
            return Receipt(DeliveryState.DELAYED, refusal.code, refusal.reply)
        return refusal

    async def _data(self) -> Receipt | None:
        reply = await self._ask(b"DATA")
        if reply.code == _START_INPUT:
            return None
        return self._refusal(reply) or self._give_up(reply)

    async def _write(self, content: bytes) -> None:
        for piece in dot_stuffed(content):
            self._wire.write(piece)
            await self._wire.flow(self._timings.block)

    async def _final_dot(self) -> Receipt:
        self._wire.write(b".\r\n")
        reach(Point.C10)
        try:
            reply = await self._wire.reply(self._timings.final_dot)
            reach(Point.C11)
        except ConversationBroken as error:
            return Receipt(DeliveryState.UNKNOWN, 0, str(error))
        receipt = self._read(reply)
        if receipt is None or reply.code == _CLOSING:
            self._wire.abort()
        return receipt or Receipt(DeliveryState.UNKNOWN, reply.code, reply.text)

    async def _reset(self) -> None:
        """Forget the transaction; a session that can't is not used again."""
        try:
            reply = await self._wire.ask(b"RSET", self._timings.command)
        except ConversationBroken:
            return  # It has been cut; the receipts stand.
        if reply.kind != 2:
            self._wire.abort()

    async def _ask(self, command: bytes) -> Reply:
        reply = await self._wire.ask(command, self._timings.command)
        if reply.code == _CLOSING:
            raise TemporaryError(f"the server said {reply}")
        return reply

    def _refusal(self, reply: Reply, *, at_mail: bool = False) -> Receipt | None:
        """None if the command was done, else what its refusal means."""
        if reply.code in _NOT_LOGGED_IN:
            raise AuthenticationError(f"the server said {reply}")
        if reply.kind == 2:
            return None
        return self._read(reply, at_mail=at_mail) or self._give_up(reply)

    def _read(self, reply: Reply, *, at_mail: bool = False) -> Receipt | None:
        return read_reply(reply, self._outgoing, self._session.user, at_mail=at_mail)

    def _give_up(self, reply: Reply) -> Receipt:
        self._wire.abort()
        raise ConversationBroken(f"the server answered with {reply}")
