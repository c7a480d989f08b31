"""A TCP proxy on loopback that does to connections what networks do to them.

A connection has one fault at a time, which may be changed while it stands. All that
its two ends were heard to say is on record, with the times and with what was done.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.servers.programs import LOOPBACK, wait_until
from tests.servers.troubled import Fault, Record, Stream, TroubledConnection

Plan = Callable[[], Fault | None]


class ChaosProxy:
    """A running proxy; `records` are in the order in which clients connected.

    `plan` is asked for the fault of each new connection.
    """

    def __init__(self, host: str, port: int, plan: Plan) -> None:
        self.records: list[Record] = []
        self.host = LOOPBACK
        self.port = 0
        self._target = (host, port)
        self._plan = plan
        self._standing: list[TroubledConnection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def standing(self) -> Sequence[Record]:
        """The connections whose client has not gone."""
        return [each for each in self.records if each.closed is None]

    def plan(self, plan: Plan) -> None:
        """Ask this for the fault of each new connection from now on."""
        self._plan = plan

    def suffer(self, fault: Fault | None, *records: Record) -> None:
        """Have these connections (all, if none is named) have this fault from now on;
        returns when it is so."""
        loop = self._loop
        assert loop is not None
        done = threading.Event()
        loop.call_soon_threadsafe(self._suffer, fault, records, done)
        done.wait()

    def stop(self) -> None:
        """End the proxy and all of its connections, from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def run(self) -> None:
        """Serve until `stop`."""
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._accept, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        await self._stopped.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _suffer(
        self, fault: Fault | None, records: Sequence[Record], done: threading.Event
    ) -> None:
        for each in self._standing:
            if not records or any(each.record is record for record in records):
                each.suffer(fault)
        done.set()

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.ensure_future(self._serve(Record(), (reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, record: Record, client: Stream) -> None:
        try:
            server = await asyncio.open_connection(*self._target)
            connection = TroubledConnection(record, client, server)
            self._standing.append(connection)
            self.records.append(record)
            connection.suffer(self._plan())
            await connection.run()
            self._standing.remove(connection)
        except OSError:
            return  # the server can't be reached, and the client will see it
        finally:
            client[1].transport.abort()


@contextmanager
def chaos_proxy(
    host: str, port: int, plan: Plan = lambda: None
) -> Iterator[ChaosProxy]:
    """A proxy in front of a server until the end of the block; without a plan it is
    well-behaved until it is told otherwise."""
    proxy = ChaosProxy(host, port, plan)
    thread = threading.Thread(target=asyncio.run, args=(proxy.run(),), name="chaos")
    thread.start()
    try:
        wait_until(lambda: proxy.port != 0, "the chaos proxy")
        yield proxy
    finally:
        proxy.stop()
        thread.join()
