"""Units of work, each one transaction: the ground the store's methods stand on."""

from __future__ import annotations

from postroom.errors import StoreError
from postroom.ports import Clock
from postroom.store.reader import Reader, T
from postroom.store.writer import Unit, Writer


class Transactions:
    """Reads beside one writer, which is not there if the store is only read."""

    def __init__(self, reader: Reader, writer: Writer | None, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def _write(self, unit: Unit[T], *, durable: bool = False) -> T:
        if self._writer is None:
            raise StoreError("the store was opened to be read only")
        return await self._writer.write(unit, durable=durable)
