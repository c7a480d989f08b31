"""The control socket: how commands reach the daemon while it runs.

A request is a line of JSON, `{"command": "poll", "arguments": {...}}`, and so is its
answer: `{"result": ...}`, or `{"error": "...", "kind": "usage"}` (or `"failed"`).

Invariants: the socket is never open to others, not even for a moment; only our own user
and root are answered; no line, wait or crowd is without a bound; nothing that is asked
for, and nothing that fails in the answering, ends the daemon.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from postroom.errors import PermanentError, PostroomError
from postroom.log import get_logger
from postroom.service.caller import Caller, Gone, meet

log = get_logger()

SOCKET_NAME = "control.sock"

_LONGEST_ADDRESS = 107  # octets: unix(7), sun_path
_CROWD_PAUSE = 1.0  # seconds
_DEEPEST = 4  # an argument may be a list; nobody needs more
_WRONG = "usage"

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
        with _translated(path):
            _bind(channel, path)
        try:
            with _translated(path):
                # Before listen() nobody can connect, whatever the mode: connect(2),
                # ECONNREFUSED. The umask is the whole process's, and other threads may
                # just then be making files.
                path.chmod(0o600)
                channel.listen()
            yield channel
        finally:
            with _translated(path):
                path.unlink(missing_ok=True)


def _bind(channel: socket.socket, path: Path) -> None:
    # The store's lock is ours, so that what is there was left by a dead daemon.
    if path.is_socket():
        path.unlink()
    with reachable(path) as address:
        channel.bind(address)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise PermanentError(f"control socket {path}: {reason}") from error


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
        """Talk to one; the boundary at which every failure of that ends."""
        async with meet(peer, self._limits.line, self._limits.read) as caller:
            self._connections += 1
            try:
                await self._converse(caller)
            except Gone:
                raise
            except Exception:
                log.exception("control_failed", user=caller.user)
                await caller.tell(_failure("it failed unforeseen; the log says how"))
            finally:
                self._connections -= 1

    async def _converse(self, caller: Caller) -> None:
        if caller.user not in (os.geteuid(), 0):
            log.warning("control_refused", user=caller.user)
            await caller.tell(_failure("only the daemon's user may ask"))
        elif self._connections > self._limits.connections:
            await caller.tell(_failure("too many ask at once; try again"))
        else:
            while line := await caller.read():
                await caller.tell(await self._answer_line(line, caller.user))
            await caller.tell(_failure("the line is too long", _WRONG))

    async def _answer_line(self, line: bytes, user: int) -> Mapping[str, object]:
        try:
            command, arguments = _parse(line)
        except WrongRequest as error:
            return _failure(str(error), _WRONG)
        answer = await self._carry_out(command, arguments)
        # Of a wrong request nobody knows what is in it.
        is_wrong = answer.get("kind") == _WRONG
        log.info(
            "control_command",
            command=command,
            arguments=None if is_wrong else arguments,
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
            return _failure(str(error), _WRONG)
        except PostroomError as error:
            return _failure(str(error))


def _parse(line: bytes) -> tuple[str, Arguments]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WrongRequest("expected an object in JSON") from error
    match request:
        case {"command": str(command), "arguments": dict(arguments)}:
            _require_shallow(arguments, _DEEPEST)
            return command, arguments
    raise WrongRequest('expected {"command": "...", "arguments": {...}}')


def _require_shallow(value: object, levels: int) -> None:
    """What is nested deeper than anyone needs would be too deep for the log."""
    if isinstance(value, dict | list):
        if not levels:
            raise WrongRequest("the arguments are nested too deep")
        for each in value.values() if isinstance(value, dict) else value:
            _require_shallow(each, levels - 1)


def _failure(error: str, kind: str = "failed") -> dict[str, object]:
    return {"error": error, "kind": kind}
