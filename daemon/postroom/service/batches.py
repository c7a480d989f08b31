"""Arrivals in batches: few round trips in a backlog, and bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from postroom.mail.message import Message


@dataclass(frozen=True)
class BatchSizes:
    """Messages in the first batch and at most, and octets of bodies held at a time."""

    first: int = 250
    most: int = 1000
    octets: int = 8 * 1024**2

    def split(self, uids: Sequence[int]) -> Iterator[Sequence[int]]:
        """In order; each batch twice as large as the one before, up to the most."""
        start, size = 0, self.first
        while start < len(uids):
            yield uids[start : start + size]
            start, size = start + size, min(2 * size, self.most)

    def split_by_octets(self, messages: Iterable[Message]) -> Iterator[list[Message]]:
        """In order; each chunk with as many octets as are held at a time."""
        chunk: list[Message] = []
        room = self.octets
        for message in messages:
            if chunk and message.size > room:
                yield chunk
                chunk, room = [], self.octets
            chunk.append(message)
            room -= message.size
        if chunk:
            yield chunk
