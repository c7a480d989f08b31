"""What systemd is told over its socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.service.systemd import notify


@pytest.fixture
def channel() -> Iterator[socket.socket]:
    """A datagram socket, as systemd has one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(10)
        yield channel


def test_all_assignments_are_one_datagram(
    channel: socket.socket, tmp_path: Path
) -> None:
    path = str(tmp_path / "notify")
    channel.bind(path)
    notify("READY=1", "STATUS=fine", environment={"NOTIFY_SOCKET": path})
    assert channel.recv(1000) == b"READY=1\nSTATUS=fine"


def test_no_text_makes_an_assignment_of_its_own(
    channel: socket.socket, tmp_path: Path
) -> None:
    """A status may quote what somebody else wrote."""
    path = str(tmp_path / "notify")
    channel.bind(path)
    notify("STATUS=quoted\nREADY=1", environment={"NOTIFY_SOCKET": path})
    assert channel.recv(1000) == b"STATUS=quoted READY=1"


def test_an_abstract_socket_is_reached(channel: socket.socket, tmp_path: Path) -> None:
    name = f"postroom{tmp_path}"
    channel.bind(f"\0{name}")
    notify("STOPPING=1", environment={"NOTIFY_SOCKET": f"@{name}"})
    assert channel.recv(1000) == b"STOPPING=1"


def test_without_systemd_nobody_is_told() -> None:
    notify("READY=1", environment={})
    notify("READY=1", environment={"NOTIFY_SOCKET": ""})
