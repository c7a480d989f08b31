"""Units of work, each one transaction: the ground the store's methods stand on."""

from __future__ import annotations

from typing import NoReturn

from postroom.errors import StoreError
from postroom.ports import Clock
from postroom.store.reader import Reader, T
from postroom.store.writer import Unit, Writer

_READ_ONLY = "the store was opened to be read only"


class Transactions:
    """Reads beside one writer, which is not there if the store is only read."""

    def __init__(self, reader: Reader, writer: Writer | None, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def broken(self) -> NoReturn:
        """Wait until nothing can be written any more, as a disk has failed; raises the
        `StoreError` that tells why."""
        if self._writer is None:
            raise StoreError(_READ_ONLY)
        await self._writer.broken()

    async def _write(self, unit: Unit[T], *, durable: bool = False) -> T:
        if self._writer is None:
            raise StoreError(_READ_ONLY)
        return await self._writer.write(unit, durable=durable)
