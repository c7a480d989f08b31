"""Programs that plugins start: no shell, a bare environment, and an end in time."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from postroom.errors import PermanentError, TemporaryError
from postroom.rules.services import Ended

MOST_OUTPUT = 64 * 1024
_CHUNK = 16 * 1024
_FAREWELL = 5.0
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}

# What the machine lacks now and may have later.
_PASSING = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY}


@dataclass(frozen=True)
class Programs:
    """Runs programs, each in a process group of its own."""

    async def __call__(
        self,
        arguments: Sequence[str],
        content: bytes = b"",
        environment: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Ended:
        """Run a program, named by its path from the root, with `content` as its input.

        Its output and what it says of errors come together. It has ended when its
        output has; after `timeout` seconds its whole group is killed.
        """
        _check(arguments)
        with _as_input(content) as stdin:
            async with _output() as (reader, stdout):
                with stdout:  # the program's copy alone keeps the pipe open
                    process = await _start(arguments, stdin, stdout, environment or {})
                return await _finish(process, reader, arguments[0], timeout)


def _check(arguments: Sequence[str]) -> None:
    if isinstance(arguments, str) or not arguments:
        raise PermanentError("expected a list: the program, then its arguments")
    if not arguments[0].startswith("/"):
        raise PermanentError(f"{arguments[0]!r} is no path from the root, as /bin/cat")


def _as_input(content: bytes) -> BinaryIO:
    """The content as a file: a program that does not read it holds up nobody."""
    stream = os.fdopen(os.memfd_create("input"), "w+b")
    stream.write(content)
    stream.seek(0)
    return stream


@asynccontextmanager
async def _output() -> AsyncIterator[tuple[asyncio.StreamReader, BinaryIO]]:
    """Both ends of a pipe; the one for writing is to be closed for the other to end."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    with os.fdopen(writing, "wb") as stream:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
        )
        try:
            yield reader, stream
        finally:
            transport.close()


async def _start(
    arguments: Sequence[str],
    stdin: BinaryIO,
    stdout: BinaryIO,
    environment: Mapping[str, str],
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *arguments,
            stdin=stdin,
            stdout=stdout,
            stderr=asyncio.subprocess.STDOUT,
            env={**_ENVIRONMENT, **environment},
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        passing = isinstance(error, OSError) and error.errno in _PASSING
        kind = TemporaryError if passing else PermanentError
        raise kind(f"{arguments[0]} can't be started: {error}") from error


async def _finish(
    process: asyncio.subprocess.Process,
    reader: asyncio.StreamReader,
    program: str,
    timeout: float,
) -> Ended:
    has_ended = False
    try:
        async with asyncio.timeout(timeout):
            output = await _take(reader)
            status = await process.wait()
        has_ended = True
        return Ended(status, output)
    except TimeoutError as error:
        reason = f"{program} took longer than {timeout:g} s, and was killed"
        raise TemporaryError(reason) from error
    finally:
        if not has_ended:
            await _kill(process)


async def _take(reader: asyncio.StreamReader) -> bytes:
    """Everything up to the end is read, and the beginning kept."""
    kept = bytearray()
    while chunk := await reader.read(_CHUNK):
        kept += chunk[: MOST_OUTPUT - len(kept)]
    return bytes(kept)


async def _kill(process: asyncio.subprocess.Process) -> None:
    # It is the leader of its group, and has the group's number.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):  # it waits for a disk, or is another user's
        async with asyncio.timeout(_FAREWELL):
            await process.wait()
