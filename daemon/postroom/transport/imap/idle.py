"""IDLE (RFC 2177): proved by a round trip, and left in order even when cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from postroom.errors import PermanentError, TemporaryError
from postroom.transport.imap.failures import failure
from postroom.transport.imap.protocol import Protocol
from postroom.transport.imap.server import Timings
from postroom.transport.imap.wire import segments


class Idle:
    """One time of IDLE. After a `TemporaryError` the connection must be given up."""

    def __init__(self, protocol: Protocol, timings: Timings) -> None:
        self._protocol = protocol
        self._timings = timings
        self._exchange = protocol.begin("IDLE", segments([b"IDLE"]), keep=False)

    async def run(self) -> None:
        """IDLE until woken or a probe is due, then leave it."""
        try:
            await self._wait()
        except asyncio.CancelledError:
            # The caller has something else to do on this connection: leave in order.
            with suppress(TemporaryError, PermanentError):
                await self._leave()
            raise
        await self._leave()

    def wake(self) -> None:
        """End the wait."""
        self._exchange.wake.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._timings.command):
                await self._exchange.accepted.wait()
        except TimeoutError as error:
            raise TemporaryError("the server took too long to begin IDLE") from error
        with suppress(TimeoutError):  # silence is what the probe is for
            async with asyncio.timeout(self._timings.idle_probe):
                await self._exchange.wake.wait()

    async def _leave(self) -> None:
        unasked = self._exchange.complete
        try:
            async with asyncio.timeout(self._timings.idle_done):
                await self._finish()
        except TimeoutError as error:
            raise TemporaryError("the server went dead in IDLE") from error
        finally:
            if not self._exchange.complete:
                self._protocol.fail(TemporaryError("IDLE was given up"))
        if refusal := failure(self._exchange):
            raise refusal
        if unasked:
            raise TemporaryError("the server ended IDLE by itself")

    async def _finish(self) -> None:
        await self._exchange.accepted.wait()
        if not self._exchange.complete:
            self._protocol.done()
        await self._exchange.wait()
