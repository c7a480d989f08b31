"""What the tables are made of: their catalogue, and sorts of column."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    MetaData,
    String,
    text,
)

from postroom.store.dialects import RowId
from postroom.store.values import Instant, Words

CONSTRAINT_NAMES = {
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
}

metadata = MetaData(naming_convention=CONSTRAINT_NAMES)


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """A check that the column holds one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def row_id() -> Column[int]:
    """The table's own number for each row."""
    return Column("id", RowId, primary_key=True)


def to(target: str, *, optional: bool = False) -> Column[int]:
    """A reference to a row of that table, in `TARGET_id`."""
    return Column(f"{target}_id", RowId, ForeignKey(f"{target}.id"), nullable=optional)


def word(name: str, *, optional: bool = False) -> Column[str]:
    """A column of text."""
    return Column(name, Words, nullable=optional)


def added_word(name: str, given: str = "") -> Column[str]:
    """A column of text that older rows were given, or got empty."""
    return Column(name, Words, nullable=False, server_default=given)


def added_count(name: str) -> Column[int]:
    """A column of whole numbers that older rows got as 0."""
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def number(name: str, *, optional: bool = False) -> Column[int]:
    """A column of whole numbers."""
    return Column(name, BigInteger, nullable=optional)


def time(name: str, *, optional: bool = False) -> Column[object]:
    """A column of moments."""
    return Column(name, Instant, nullable=optional)


def content_hash(name: str, *, optional: bool = False) -> Column[str]:
    """A reference to kept octets."""
    key = ForeignKey("content.hash")
    return Column(name, String(64), key, nullable=optional)


def ownership() -> list[Column[object]]:
    """Which daemon has it, until when, and a number that unmasks a late owner."""
    return [
        Column("owner", Words),
        Column("lease", Instant),
        Column("fence", BigInteger, nullable=False, default=0),
    ]
