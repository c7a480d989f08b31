"""Octets by their hash, in chunks: the same content is kept once.

Invariants: what is read is what was written, or `ContentError`. A content whose octets
were forgotten (`retention.py`) has them again when they are kept again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from postroom.errors import ContentError
from postroom.store.schema import content, content_chunk

CHUNK = 256 * 1024


def keep(connection: Connection, octets: bytes, now: datetime) -> str:
    """The SHA-256 under which these octets can be read again."""
    name = hashlib.sha256(octets).hexdigest()
    known = select(content.c.hash).where(content.c.hash == name)
    if connection.execute(known).scalar() is None:
        row = {"hash": name, "size": len(octets), "created": now}
        connection.execute(insert(content), [row])
        _keep_chunks(connection, name, octets)
    elif octets and not beginning(connection, name, 1):
        renewed = update(content).where(content.c.hash == name).values(created=now)
        connection.execute(renewed)
        _keep_chunks(connection, name, octets)
    return name


def _keep_chunks(connection: Connection, name: str, octets: bytes) -> None:
    chunks = [
        {"hash": name, "ordinal": number, "octets": octets[start : start + CHUNK]}
        for number, start in enumerate(range(0, len(octets), CHUNK))
    ]
    if chunks:
        connection.execute(insert(content_chunk), chunks)


def beginning(connection: Connection, name: str, size: int) -> bytes:
    """The first of the octets with this hash, at most so many, unverified: for people
    to look at."""
    first = content_chunk.c.hash == name, content_chunk.c.ordinal == 0
    octets = connection.execute(select(content_chunk.c.octets).where(*first)).scalar()
    return (octets or b"")[:size]


def read(connection: Connection, name: str) -> bytes:
    """The octets with this hash; `ContentError` if they are missing or damaged."""
    query = (
        select(content_chunk.c.octets)
        .where(content_chunk.c.hash == name)
        .order_by(content_chunk.c.ordinal)
    )
    octets = b"".join(connection.execute(query).scalars())
    size = select(content.c.size).where(content.c.hash == name)
    if not octets and connection.execute(size).scalar():
        raise ContentError(f"the content {name} is not kept any more")
    if hashlib.sha256(octets).hexdigest() != name:
        raise ContentError(f"the content {name} is damaged in the store")
    return octets
