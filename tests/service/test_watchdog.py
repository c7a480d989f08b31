"""A process whose event loop stands still is ended; one whose loop turns is not."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

PROGRAM = """
import asyncio, re, time
from postroom.service.watchdog import alive

async def hold_the_lock():
    re.match(r"(a|a)*$", "a" * 60 + "b")

async def never_wait():
    while True:
        pass

async def work():
    await asyncio.sleep({patience} * 2)
    print("worked")

async def main():
    async with alive({patience}):
        await {work}()
    time.sleep({patience} * 2)
    print("left")

asyncio.run(main())
"""


def run(work: str, patience: float) -> tuple[int, str, str]:
    source = PROGRAM.format(work=work, patience=patience)
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("work", ["hold_the_lock", "never_wait"])
def test_code_that_keeps_the_interpreter_to_itself_is_ended(work: str) -> None:
    begun = time.monotonic()
    status, _, told = run(work, 1)
    assert status == 1
    assert f"in {work}" in told
    assert time.monotonic() - begun < 30


def test_a_loop_that_turns_goes_on_and_nothing_is_watched_after_it() -> None:
    status, shown, told = run("work", 1)
    assert (status, shown, told) == (0, "worked\nleft\n", "")
