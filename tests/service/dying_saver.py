"""Saves a file, and is killed on the way: just before it calls something of `os`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from postroom.service.places import LocalPlaces

CONTENT = b"whole" * 200_000


def die_at(function: str, time: int) -> None:
    """Be killed where this function of `os` is called the so-many-th time."""
    real, calls = getattr(os, function), []

    def counted(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - any function of os
        calls.append(1)
        if len(calls) == time:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)

    setattr(os, function, counted)


async def main(folder: str, function: str, time: int) -> None:
    """Save it, if nothing kills us."""
    die_at(function, time)
    print(await LocalPlaces(0o077, "key").write(folder, ["2026"], "bill.pdf", CONTENT))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
