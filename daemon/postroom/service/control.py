"""The control socket: how commands reach the daemon while it runs.

A request is a line of JSON, `{"command": "poll", "arguments": {...}}`, and so is its
answer: `{"result": ...}`, or `{"error": "...", "kind": "usage"}` (or `"failed"`).

Invariants: the socket is never open to others, not even for a moment; only our own user
and root are answered; no line, wait or crowd is without a bound.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from postroom.errors import PermanentError, PostroomError
from postroom.log import get_logger

log = get_logger()

SOCKET_NAME = "control.sock"

_LONGEST_ADDRESS = 107  # octets: unix(7), sun_path
_PEER = struct.Struct("iII")  # process, user and group: unix(7), SO_PEERCRED
_CROWD_PAUSE = 1.0  # seconds

Arguments = Mapping[str, object]
Answer = Callable[[str, Arguments], Awaitable[object]]


class WrongRequest(PermanentError):
    """What was asked for makes no sense: the asker is to ask for something else."""


@dataclass(frozen=True)
class ControlLimits:
    """How long a line may be in octets, how many may ask at once, and, in seconds, how
    long a line and a command may take."""

    line: int = 64 * 1024
    connections: int = 8
    read: float = 10
    command: float = 60


_LIMITS = ControlLimits()


def socket_path(state: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the daemon listens: in systemd's runtime folder, else in the state's."""
    # There may be several, divided by colons: systemd.exec(5), RuntimeDirectory=.
    runtime = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(runtime or state) / SOCKET_NAME


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A socket that listens at `path` while the block runs; a dead daemon's is
    replaced. Raises `PermanentError` if it can't be made."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.setblocking(False)
        try:
            _bind(channel, path)
        except OSError as error:
            reason = error.strerror or error
            raise PermanentError(f"control socket {path}: {reason}") from error
        channel.listen()
        try:
            yield channel
        finally:
            path.unlink(missing_ok=True)


def _bind(channel: socket.socket, path: Path) -> None:
    # The store's lock is ours, so that what is there was left by a dead daemon.
    if path.is_socket():
        path.unlink()
    mask = os.umask(0o177)
    try:
        with reachable(path) as address:
            channel.bind(address)
    finally:
        os.umask(mask)


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """An address of the socket at `path` that is short enough to be one."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Control:
    """Answers those who ask at a socket that listens."""

    def __init__(
        self, channel: socket.socket, answer: Answer, limits: ControlLimits = _LIMITS
    ) -> None:
        self._channel = channel
        self._answer = answer
        self._limits = limits
        self._connections = 0

    async def run(self) -> NoReturn:
        """Answer until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._serve(await self._accept()))

    async def _accept(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        while True:
            try:
                peer, _ = await loop.sock_accept(self._channel)
            except OSError as error:  # too many open files, say
                log.warning("control_unavailable", error=str(error))
                await asyncio.sleep(_CROWD_PAUSE)
            else:
                return peer

    async def _serve(self, peer: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(
            sock=peer, limit=self._limits.line
        )
        caller = _Caller(_user_of(peer), reader, writer, self._limits.read)
        self._connections += 1
        try:
            with suppress(_Gone):
                await self._converse(caller)
        finally:
            self._connections -= 1
            await caller.close()

    async def _converse(self, caller: _Caller) -> None:
        if caller.user not in (os.geteuid(), 0):
            log.warning("control_refused", user=caller.user)
            await caller.tell(_failure("only the daemon's user may ask"))
        elif self._connections > self._limits.connections:
            await caller.tell(_failure("too many ask at once; try again"))
        else:
            while line := await caller.read():
                await caller.tell(await self._answer_line(line, caller.user))
            await caller.tell(_failure("the line is too long", "usage"))

    async def _answer_line(self, line: bytes, user: int) -> Mapping[str, object]:
        try:
            command, arguments = _parse(line)
        except WrongRequest as error:
            return _failure(str(error), "usage")
        answer = await self._carry_out(command, arguments)
        log.info(
            "control_command",
            command=command,
            arguments=arguments,
            user=user,
            error=answer.get("error"),
        )
        return answer

    async def _carry_out(
        self, command: str, arguments: Arguments
    ) -> Mapping[str, object]:
        seconds = self._limits.command
        try:
            async with asyncio.timeout(seconds):
                return {"result": await self._answer(command, arguments)}
        except TimeoutError:
            return _failure(f"it takes longer than {seconds:g} s")
        except WrongRequest as error:
            return _failure(str(error), "usage")
        except PostroomError as error:
            return _failure(str(error))


class _Gone(Exception):
    """Who asked went away, or is silent for too long, and wants no answer."""


@dataclass(frozen=True)
class _Caller:
    """Who asks, and the lines that go to and fro."""

    user: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    deadline: float

    async def read(self) -> bytes:
        """The next line; nothing if it is too long."""
        try:
            async with asyncio.timeout(self.deadline):
                return await self.reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            return b""
        except (OSError, EOFError) as error:
            raise _Gone from error

    async def tell(self, answer: Mapping[str, object]) -> None:
        """Send an answer."""
        try:
            self.writer.write(json.dumps(answer).encode() + b"\n")
            async with asyncio.timeout(self.deadline):
                await self.writer.drain()
        except OSError as error:  # which TimeoutError is
            raise _Gone from error

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        with suppress(OSError):  # it was the first to do so
            await self.writer.wait_closed()


def _user_of(peer: socket.socket) -> int:
    octets = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    user: int = _PEER.unpack(octets)[1]
    return user


def _parse(line: bytes) -> tuple[str, Arguments]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WrongRequest("expected an object in JSON") from error
    match request:
        case {"command": str(command), "arguments": dict(arguments)}:
            return command, arguments
    raise WrongRequest('expected {"command": "...", "arguments": {...}}')


def _failure(error: str, kind: str = "failed") -> dict[str, object]:
    return {"error": error, "kind": kind}
