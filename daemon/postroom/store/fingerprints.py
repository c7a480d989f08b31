"""Recognising a message again by its fingerprint, as the store keeps it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, Select

from postroom.mail.message import Fingerprint
from postroom.store.schema import message
from postroom.store.slices import rows_where
from postroom.store.values import storable

_MESSAGE_ID_LENGTH = 998  # RFC 5322, section 2.1.1: no line is longer


def kept(mark: Fingerprint) -> Fingerprint:
    """The fingerprint as it is kept and compared, its Message-ID bounded."""
    message_id = storable(mark.message_id[:_MESSAGE_ID_LENGTH])
    return Fingerprint(message_id, mark.size, mark.received)


def kept_where(
    connection: Connection, query: Select[Any], marks: Collection[Fingerprint]
) -> Iterator[tuple[int, Fingerprint]]:
    """Id and fingerprint of the query's rows that share a Message-ID with a mark."""
    names = list({mark.message_id for mark in marks})
    for row in rows_where(connection, query, message.c.message_id, names):
        yield row.id, Fingerprint(row.message_id, row.size, row.received)
