"""Reading beside the writer: each read sees one snapshot, and blocks nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from postroom.store.dialects import translate

T = TypeVar("T")

READERS = 2


class Reader:
    """Answers queries in threads of its own."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._threads = threads

    async def read(self, query: Callable[[Connection], T]) -> T:
        """What the query returns; all that was committed before is seen."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, query)

    def _answer(self, query: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                return query(connection)
        except SQLAlchemyError as error:
            raise translate(error) from error


@contextmanager
def open_reader(engine: Engine) -> Iterator[Reader]:
    """A reader that answers while the block runs."""
    with ThreadPoolExecutor(READERS, "postroom-store-reader") as threads:
        yield Reader(engine, threads)
