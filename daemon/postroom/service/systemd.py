"""What systemd is told: ready, reloading, stopping, and a line of status.

The assignments are those of sd_notify(3).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

from postroom.log import get_logger

log = get_logger()


def notify(*assignments: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send assignments such as `READY=1` to the socket systemd named, if it did.

    Each is one line, whatever is in it.
    """
    path = environment.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect(address)
            lines = (each.replace("\n", " ") for each in assignments)
            channel.send("\n".join(lines).encode())
    except OSError as error:
        # Mail goes on; if systemd misses what it waits for, it will say so.
        log.warning("notify_failed", socket=path, error=str(error))


def notify_reloading() -> None:
    """Say that a reload begins; `READY=1` is to be sent when it has ended."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    # In one datagram: Type=notify-reload waits for both (systemd.service(5)).
    notify("RELOADING=1", f"MONOTONIC_USEC={now}")
