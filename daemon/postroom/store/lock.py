"""One daemon a store: a lock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.errors import StoreError

_TRIES = 3
_PAUSE = 0.05  # seconds
_LONGEST = 8192


@dataclass(frozen=True)
class Holder:
    """The process that holds a store's lock, and the socket it listens at, if any."""

    pid: int
    control: Path | None


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


def note_control(store: Path, control: Path) -> None:
    """Note where the holder of the lock, which is this process, listens."""
    path = _lock_file(store)
    try:
        with path.open("r+b", buffering=0) as file:
            # In one write that begins as the file does: who reads now finds a process.
            file.write(b"%d\n%s\n" % (os.getpid(), os.fsencode(control)))
    except OSError as error:
        raise StoreError(f"{path} can't be written: {error.strerror}") from error


def find_holder(store: Path) -> Holder | None:
    """Who holds the store's lock; None if nobody does."""
    try:
        descriptor = os.open(_lock_file(store), os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        # Shared, and given back at once; a daemon that starts just now tries again.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(descriptor)
    finally:
        os.close(descriptor)
    return None


def _take(descriptor: int, path: Path) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)  # it may be no daemon, but someone asking for one
        else:
            return
    holder = _read_holder(descriptor).pid or "unknown"
    raise StoreError(f"another postroom (process {holder}) uses this store: {path}")


def _read_holder(descriptor: int) -> Holder:
    pid, _, control = os.read(descriptor, _LONGEST).partition(b"\n")
    path = control.removesuffix(b"\n")
    return Holder(int(pid or b"0"), Path(os.fsdecode(path)) if path else None)


def _lock_file(store: Path) -> Path:
    return store.with_name(f"{store.name}.lock")
