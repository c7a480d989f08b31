"""Programs get what they are given, and end when their time is over."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.rules.services import Ended
from postroom.service.programs import MOST_OUTPUT, Programs


def run(
    *arguments: str,
    content: bytes = b"",
    environment: dict[str, str] | None = None,
    timeout: float = 30,
) -> Ended:
    return asyncio.run(Programs()(arguments, content, environment, timeout))


def shell(script: str, timeout: float = 30) -> Ended:
    return run("/bin/sh", "-c", script, timeout=timeout)


def is_alive(number: int) -> bool:
    """True if it runs: what has ended and was not asked after does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(number: int) -> None:
    end = time.monotonic() + 10
    while is_alive(number):
        assert time.monotonic() < end, "it is still there"
        os.sched_yield()


def test_a_program_gets_the_content_and_gives_its_output_and_status() -> None:
    assert run("/bin/cat", content=b"\0octets") == Ended(0, b"\0octets")
    assert shell("echo out; echo err >&2; exit 3") == Ended(3, b"out\nerr\n")


def test_arguments_are_no_shell_words() -> None:
    assert run("/bin/echo", "$(id); *", "two words").output == b"$(id); * two words\n"


def test_the_environment_is_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "hush")
    ended = run("/usr/bin/env", environment={"SUBJECT": "Hello"})
    names = {line.partition(b"=")[0] for line in ended.output.splitlines()}
    assert names == {b"PATH", b"LANG", b"SUBJECT"}
    assert run("/bin/pwd").output == b"/\n"


def test_no_file_of_the_daemon_is_open_in_a_program(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)
        ended = shell("ls -l /proc/self/fd")
    assert b"secret" not in ended.output


def test_of_a_long_output_the_beginning_is_kept_and_the_rest_is_read() -> None:
    ended = shell("head -c 300000 /dev/zero; exit 7")
    assert ended == Ended(7, bytes(MOST_OUTPUT))


def test_a_program_need_not_read_its_input() -> None:
    assert run("/bin/true", content=bytes(10_000_000)) == Ended(0, b"")


def test_a_program_that_takes_too_long_is_killed_with_its_children(
    tmp_path: Path,
) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/it; wait"
    with pytest.raises(TemporaryError, match=r"longer than 0\.5 s, and was killed"):
        shell(script, timeout=0.5)
    for name in ("child", "it"):
        wait_until_gone(int((tmp_path / name).read_text()))


def test_a_child_that_left_the_group_holds_up_nobody(tmp_path: Path) -> None:
    """It keeps the output open, and can't be killed with the others."""
    script = f"setsid sleep 1000 & echo $! > {tmp_path}/child"
    with pytest.raises(TemporaryError, match="was killed"):
        shell(script, timeout=0.5)
    os.kill(int((tmp_path / "child").read_text()), 9)


def test_who_gives_up_waiting_ends_the_program(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "it")

    async def give_up() -> int:
        script = f"echo $$ > {tmp_path}/it; exec sleep 1000"
        running = asyncio.ensure_future(Programs()(["/bin/sh", "-c", script]))
        number = await asyncio.to_thread((tmp_path / "it").read_text)
        running.cancel()
        await asyncio.wait({running})
        return int(number)

    wait_until_gone(asyncio.run(give_up()))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("/bin/true", "expected a list"),
        ([], "expected a list"),
        (["true"], "'true' is no path from the root"),
        (["/no/such/program"], "/no/such/program can't be started"),
        (["/etc/passwd"], "/etc/passwd can't be started"),
        (["/bin/echo", "a\0b"], "/bin/echo can't be started"),
    ],
)
def test_what_can_not_be_started_is_refused(
    arguments: list[str], complaint: str
) -> None:
    with pytest.raises(PermanentError, match=complaint):
        asyncio.run(Programs()(arguments))


def test_nothing_is_left_open() -> None:
    async def work() -> set[str]:
        programs = Programs()
        for path in ("/bin/true", "/no/such/program"):
            try:
                await programs([path])
            except PermanentError:
                continue
        return set(os.listdir("/proc/self/fd"))

    asyncio.run(work())
    before = set(os.listdir("/proc/self/fd"))
    during = asyncio.run(work())
    assert set(os.listdir("/proc/self/fd")) == before
    assert len(during) <= len(before) + 4  # what the event loop itself has open


def test_who_gives_up_while_it_starts_leaves_nothing_open() -> None:
    async def give_up(steps: int) -> None:
        starting = asyncio.ensure_future(Programs()(["/bin/true"]))
        for _ in range(steps):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})

    asyncio.run(give_up(0))
    before = set(os.listdir("/proc/self/fd"))
    for steps in range(10):
        asyncio.run(give_up(steps))
        assert set(os.listdir("/proc/self/fd")) == before
