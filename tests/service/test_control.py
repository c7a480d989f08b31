"""The control socket answers its owner, and nobody else, and waits for nobody long."""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from postroom.errors import PermanentError
from postroom.service.control import (
    Arguments,
    Control,
    ControlLimits,
    WrongRequest,
    listening,
    reachable,
    socket_path,
)

POLL = b'{"command": "poll", "arguments": {"accounts": ["home"]}}\n'


async def answer(command: str, arguments: Arguments) -> object:
    """What is answered here: the request itself, or what its name asks for."""
    match command:
        case "wrong":
            raise WrongRequest("there is no such account")
        case "fail":
            raise PermanentError("it can't be done")
        case "break":
            raise OverflowError("too large")
        case "much":
            return "x" * 10_000_000
        case "hang":
            await asyncio.Event().wait()
    return [command, dict(arguments)]


def with_control(
    path: Path,
    steps: Callable[[], Awaitable[None]],
    limits: ControlLimits = ControlLimits(),  # noqa: B008 - it is frozen
) -> None:
    """Take the steps while somebody answers at `path`."""

    async def run() -> None:
        with listening(path) as channel:
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                task = group.create_task(Control(channel, answer, limits).run())
                await steps()
                task.cancel()

    asyncio.run(run())


async def connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the socket."""
    with reachable(path) as address:
        return await asyncio.open_unix_connection(address)


async def ask(path: Path, *lines: bytes) -> list[Any]:
    """What is answered to these lines on one connection."""
    reader, writer = await connect(path)
    try:
        answers = []
        for line in lines:
            writer.write(line)
            answers.append(json.loads(await reader.readline()))
        return answers
    finally:
        writer.close()
        await writer.wait_closed()


def request(command: str) -> bytes:
    """A line that asks for this."""
    return json.dumps({"command": command, "arguments": {}}).encode() + b"\n"


def test_requests_are_answered_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        first, second = await ask(path, POLL, request("reload"))
        assert first == {"result": ["poll", {"accounts": ["home"]}]}
        assert second == {"result": ["reload", {}]}

    with_control(path, steps)


def test_what_is_wrong_is_told_from_what_failed(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        wrong, failed, last = await ask(path, *map(request, ("wrong", "fail", "poll")))
        assert wrong == {"error": "there is no such account", "kind": "usage"}
        assert failed == {"error": "it can't be done", "kind": "failed"}
        assert "result" in last

    with_control(path, steps)


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"poll\n",
        b"\xff\n",
        b"[]\n",
        b'{"command": "poll"}\n',
        b'{"command": 7, "arguments": {}}\n',
        b'{"command": "poll", "arguments": []}\n',
        b"[" * 60_000 + b"\n",
        b'{"command": "poll", "arguments": {"x": %b}}\n' % (b"[" * 900 + b"]" * 900),
        b'{"command": "poll", "arguments": %b1%b}\n' % (b'{"a":' * 900, b"}" * 900),
    ],
    ids=[
        *("empty", "text", "octets", "list", "bare", "number", "row"),
        *("deeper than Python reads", "lists in lists", "objects in objects"),
    ],
)
def test_nonsense_is_refused_and_the_next_request_answered(
    tmp_path: Path, line: bytes
) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        nonsense, after = await ask(path, line, POLL)
        assert nonsense["kind"] == "usage"
        assert "result" in after

    with_control(path, steps)


def test_a_line_without_an_end_fills_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        reader, writer = await connect(path)
        writer.write(b"x" * 70_000)
        told = json.loads(await reader.readline())
        assert told == {"error": "the line is too long", "kind": "usage"}
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    with_control(path, steps)


def test_who_says_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        reader, writer = await connect(path)
        assert await reader.read() == b""
        writer.close()

    with_control(path, steps, ControlLimits(read=0.05))


def test_a_command_has_a_deadline(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        told, after = await ask(path, request("hang"), POLL)
        assert told == {"error": "it takes longer than 0.05 s", "kind": "failed"}
        assert "result" in after

    with_control(path, steps, ControlLimits(command=0.05))


def test_one_more_than_may_ask_is_told_to_come_again(tmp_path: Path) -> None:
    """And may, when one of the others has gone."""
    path = tmp_path / "control.sock"

    async def steps() -> None:
        first = await connect(path)
        assert "result" in (await ask(path, POLL))[0]
        reader, writer = await connect(path)
        third = await ask(path, b"")
        assert third == [{"error": "too many ask at once; try again", "kind": "failed"}]
        first[1].close()
        await first[1].wait_closed()
        writer.write(POLL)
        assert b"result" in await reader.readline()
        assert "result" in (await ask(path, POLL))[0]
        writer.close()
        await writer.wait_closed()

    with_control(path, steps, ControlLimits(connections=2))


def test_who_asks_and_goes_disturbs_nobody(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        _, writer = await connect(path)
        writer.write(POLL * 1000)
        writer.transport.abort()
        assert "result" in (await ask(path, POLL))[0]

    with_control(path, steps)


def test_who_reads_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(str(path))
            deaf.sendall(request("much"))
            hung_up = select.poll()
            hung_up.register(deaf, 0)  # POLLHUP is always told
            assert await asyncio.to_thread(hung_up.poll, 20_000)

    with_control(path, steps, ControlLimits(read=0.05))


def test_what_nobody_foresaw_is_told_and_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        [told] = await ask(path, request("break"))
        assert told == {
            "error": "it failed unforeseen; the log says how",
            "kind": "failed",
        }
        assert "result" in (await ask(path, POLL))[0]

    with capture_logs() as logs:
        with_control(path, steps)
    failed, _ = logs
    assert (failed["event"], failed["exc_info"]) == ("control_failed", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_other_users_are_not_answered(tmp_path: Path) -> None:
    """Even where the mode of the socket would let them in."""
    with socket.socket(socket.AF_UNIX) as channel:
        name = f"\0postroom-test-{os.getpid()}"
        channel.bind(name)
        channel.listen()
        channel.setblocking(False)

        async def run() -> bytes:
            task = asyncio.create_task(Control(channel, answer).run())
            program = (
                "import os, socket; os.setuid(65534);"
                f"s = socket.socket(socket.AF_UNIX); s.connect({name!r});"
                "print(s.recv(1000).decode())"
            )
            command = [sys.executable, "-I", "-c", program]
            done = await asyncio.to_thread(subprocess.check_output, command, timeout=30)
            task.cancel()
            return done

        with capture_logs() as logs:
            told = asyncio.run(run())
    assert b"only the daemon's user may ask" in told
    assert [each["event"] for each in logs] == ["control_refused"]


def test_each_command_leaves_a_line_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def steps() -> None:
        await ask(path, POLL, request("fail"))

    with capture_logs() as logs:
        with_control(path, steps)
    poll, fail = logs
    assert poll["event"] == fail["event"] == "control_command"
    assert (poll["command"], poll["error"]) == ("poll", None)
    assert poll["arguments"] == {"accounts": ["home"]}
    assert (fail["command"], fail["error"]) == ("fail", "it can't be done")


def test_what_a_wrong_request_holds_is_not_logged(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    line = b'{"command": "wrong", "arguments": {"password": "hush"}}\n'

    async def steps() -> None:
        await ask(path, line)

    with capture_logs() as logs:
        with_control(path, steps)
    [wrong] = logs
    assert wrong["error"] == "there is no such account"
    assert wrong["arguments"] is None


def test_it_is_closed_to_others_before_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the umask, which is every thread's, stays as it is."""
    path = tmp_path / "control.sock"
    modes: list[int] = []
    monkeypatch.setattr(os, "umask", None)
    monkeypatch.setattr(
        socket.socket,
        "listen",
        lambda channel: modes.append(stat.S_IMODE(path.stat().st_mode)),
    )
    with listening(path):
        assert modes == [0o600]


def test_only_its_owner_may_open_it(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    before = os.umask(0)
    try:
        with listening(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert not path.exists()


def test_what_a_dead_daemon_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def steps() -> None:
        assert "result" in (await ask(path, POLL))[0]

    with_control(path, steps)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("mine")
    with pytest.raises(PermanentError, match="Address already in use"), listening(path):
        pass
    assert path.read_text() == "mine"


def test_a_path_may_be_longer_than_a_socket_s(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    path = folder / "control.sock"

    async def steps() -> None:
        assert path.is_socket()
        assert "result" in (await ask(path, POLL))[0]

    with_control(path, steps)
    assert not path.exists()


def test_it_is_in_the_runtime_folder_where_systemd_makes_one(tmp_path: Path) -> None:
    runtime = {"RUNTIME_DIRECTORY": "/run/postroom:/run/other"}
    assert socket_path(tmp_path, runtime) == Path("/run/postroom/control.sock")
    assert socket_path(tmp_path, {}) == tmp_path / "control.sock"
