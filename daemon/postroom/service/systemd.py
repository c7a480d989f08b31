"""What systemd is told: ready, stopping, and a line of status (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from postroom.log import get_logger

log = get_logger()


def notify(*assignments: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send assignments such as `READY=1` to the socket systemd named, if it did."""
    path = environment.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect(address)
            channel.send("\n".join(assignments).encode())
    except OSError as error:
        # Mail goes on; if systemd misses what it waits for, it will say so.
        log.warning("notify_failed", socket=path, error=str(error))
