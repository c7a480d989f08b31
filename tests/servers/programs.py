"""Programs that serve: found, given ports of their own, awaited, ended by their PID."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

LOOPBACK = "127.0.0.1"


class ServerFailed(Exception):
    """A server did not start or stop as it should; carries the end of its log."""


def find_program(name: str) -> str | None:
    """The path of a program, also where only root looks for programs."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def why_not(program: str) -> str | None:
    """Why a server can't be started here, or None if it can."""
    if find_program(program) is None:
        return f"{program} is not installed"
    return None if os.geteuid() == 0 else f"{program} is started by root only"


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def shared_folder(name: str) -> Iterator[Path]:
    """A temporary folder that other users may pass through, as servers drop root."""
    # The last processes of a server may still write while the folder goes.
    with tempfile.TemporaryDirectory(
        prefix=f"postroom-{name}-", ignore_cleanup_errors=True
    ) as path:
        folder = Path(path)
        folder.chmod(0o755)
        yield folder


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Return as soon as `holds()`; fail with `what` when it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise ServerFailed(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def answers(port: int) -> bool:
    """True if a server accepts connections on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


@contextmanager
def running(command: list[str], ports: list[int], log: Path) -> Iterator[None]:
    """Run a server in a session of its own until the end of the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, start_new_session=True, stdout=output, stderr=output
        )
    try:
        for port in ports:
            is_up = partial(_is_up, process, port, log)
            wait_until(is_up, f"{command[0]} on port {port}")
        yield
    finally:
        _stop(process)


def _is_up(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise ServerFailed(f"{process.args!r} ended:\n{log.read_text()[-3000:]}")
    return answers(port)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
