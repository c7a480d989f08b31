"""One connection through a proxy, with the fault that it suffers, and all it heard."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum

from tests.servers.proxy import Conversation

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: close by RST


class Way(StrEnum):
    """One of the two directions of a connection."""

    TO_CLIENT = "to the client"
    TO_SERVER = "to the server"


class Kind(StrEnum):
    """What can be done to a connection."""

    CUT = "cut"  # both ends read the end of the file
    RESET = "reset"  # both ends get an RST
    HALF_CLOSE = "half-close"  # that way the end of the file comes; the other is open
    BLACK_HOLE = "black hole"  # octets vanish both ways, and the connection stands
    DRIP = "drip"  # one octet at a time
    DELAY = "delay"  # each piece is late


@dataclass(frozen=True)
class Fault:
    """One thing that is done to a connection.

    It begins when `after` more octets have passed in its `way`. `pause`, in seconds, is
    what lies between the octets of a drip, how late each piece of a delay is, and when
    a black hole ends by a reset (0: never).
    """

    kind: Kind
    way: Way = Way.TO_CLIENT
    after: int = 0
    pause: float = 0


@dataclass
class Record(Conversation):
    """What is known of one connection; times are of `time.monotonic`.

    `client` has all that the client sent, passed on or not, and `server` what was
    passed on to the client. `closed` is when the client's end of it was over.
    """

    opened: float = field(default_factory=time.monotonic)
    closed: float | None = None
    faults: list[tuple[float, Fault]] = field(default_factory=list)
    _heard: list[tuple[int, float]] = field(default_factory=list)

    def hear(self, octets: bytes, at: float) -> None:
        """Note what the client sent, and when."""
        self.client += octets
        self._heard.append((len(self.client), at))

    def end(self) -> None:
        """Note that the client's end is over, if it was not before."""
        if self.closed is None:
            self.closed = time.monotonic()

    def timed_commands(self) -> list[tuple[float, str]]:
        """The client's commands, and when the end of each was heard."""
        return [
            (self._heard[bisect_left(self._heard, (end,))][1], command)
            for end, command in self.ended_commands()
        ]


class TroubledConnection:
    """One connection through the proxy; its methods belong to the proxy's thread."""

    def __init__(self, record: Record, client: Stream, server: Stream) -> None:
        self.record = record
        self._sources = {Way.TO_SERVER: client[0], Way.TO_CLIENT: server[0]}
        self._sinks = {Way.TO_SERVER: server[1], Way.TO_CLIENT: client[1]}
        self._queues: dict[Way, asyncio.Queue[bytes]] = {
            way: asyncio.Queue() for way in Way
        }
        self._fault: Fault | None = None
        self._left = 0

    async def run(self) -> None:
        """Pass octets on, or not, until both ends are closed."""
        try:
            async with asyncio.TaskGroup() as group:
                for way in Way:
                    group.create_task(self._hear(way))
                    group.create_task(self._pass_on(way))
        except* OSError:
            pass  # one end was reset: so is the other
        finally:
            self._end()

    def suffer(self, fault: Fault | None) -> None:
        """Have this fault from now on; None: no other than those that can't be undone.

        What was cut stays cut, and a black hole stays one.
        """
        if self._has_begun(Kind.CUT, Kind.HALF_CLOSE, Kind.BLACK_HOLE):
            return
        self._fault = fault
        self._left = fault.after if fault else 0
        if fault and not self._left:
            self._strike(fault)

    # -- insides -----------------------------------------------------------------------

    async def _hear(self, way: Way) -> None:
        """Read at once, so that the record tells the truth while octets are held."""
        try:
            while octets := await self._sources[way].read(65536):
                if way is Way.TO_SERVER:
                    self.record.hear(octets, time.monotonic())
                self._queues[way].put_nowait(octets)
        finally:
            if way is Way.TO_SERVER:
                self.record.end()
        self._queues[way].put_nowait(b"")

    async def _pass_on(self, way: Way) -> None:
        while octets := await self._queues[way].get():
            rest = memoryview(octets)
            while rest:
                rest = rest[await self._pass_some(way, rest) :]
        if not self._swallows(way):
            self._sinks[way].write_eof()

    async def _pass_some(self, way: Way, octets: memoryview) -> int:
        """Pass on what the fault allows now; how many octets are dealt with."""
        fault = self._fault
        if self._swallows(way):
            return len(octets)
        if fault is None or fault.way is not way:
            return await self._write(way, octets)
        if self._left:
            return await self._write_until(way, octets[: self._left], fault)
        await asyncio.sleep(fault.pause)
        if self._fault is not fault:
            return 0  # it was changed meanwhile
        return await self._write(way, octets[:1] if fault.kind is Kind.DRIP else octets)

    async def _write_until(self, way: Way, octets: memoryview, fault: Fault) -> int:
        self._left -= len(octets)
        await self._write(way, octets)
        if self._fault is fault and not self._left:
            self._strike(fault)
        return len(octets)

    async def _write(self, way: Way, octets: memoryview) -> int:
        if way is Way.TO_CLIENT:
            self.record.server += octets
        self._sinks[way].write(octets)
        await self._sinks[way].drain()
        return len(octets)

    def _strike(self, fault: Fault) -> None:
        """The fault begins."""
        self.record.faults.append((time.monotonic(), fault))
        if fault.kind is Kind.CUT:
            for sink in self._sinks.values():
                sink.write_eof()
        elif fault.kind is Kind.RESET:
            self._reset()
        elif fault.kind is Kind.HALF_CLOSE:
            self._sinks[fault.way].write_eof()
        elif fault.kind is Kind.BLACK_HOLE and fault.pause:
            asyncio.get_running_loop().call_later(fault.pause, self._reset)

    def _reset(self) -> None:
        for sink in self._sinks.values():
            end = sink.get_extra_info("socket")
            if end.fileno() != -1:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._end()

    def _end(self) -> None:
        self.record.end()
        for sink in self._sinks.values():
            sink.transport.abort()

    def _swallows(self, way: Way) -> bool:
        """True if what is to go this way comes to nothing."""
        if self._has_begun(Kind.CUT, Kind.RESET, Kind.BLACK_HOLE):
            return True
        fault = self._fault
        return (
            self._has_begun(Kind.HALF_CLOSE) and fault is not None and fault.way is way
        )

    def _has_begun(self, *kinds: Kind) -> bool:
        fault = self._fault
        return fault is not None and fault.kind in kinds and not self._left
