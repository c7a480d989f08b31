"""One daemon a store: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postroom.errors import StoreError

_TRIES = 3
_PAUSE = 0.05  # seconds


@contextmanager
def exclusive(store: Path) -> Iterator[None]:
    """Hold the store's lock while the block runs; `StoreError` names who holds it."""
    path = _lock_file(store)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)  # the file stays: removing it would let two in


def _take(descriptor: int, path: Path) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)  # it may be no daemon, but someone asking for one
        else:
            return
    holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
    raise StoreError(
        f"another postroom (process {holder or 'unknown'}) uses this store: {path}"
    )


def find_holder(store: Path) -> int | None:
    """The process that holds the store's lock; None if nobody does."""
    try:
        descriptor = os.open(_lock_file(store), os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        # Shared, and given back at once; a daemon that starts just now tries again.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(descriptor, 32) or b"0")
    finally:
        os.close(descriptor)
    return None


def _lock_file(store: Path) -> Path:
    return store.with_name(f"{store.name}.lock")
