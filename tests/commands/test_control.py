"""How a command reaches the daemon, and what it says where it can't."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from postroom.commands.control import call
from postroom.errors import PermanentError, TemporaryError
from postroom.service.control import WrongRequest
from postroom.store.lock import exclusive
from tests.commands.attended import run_attended, store_of, with_store
from tests.commands.workplace import Workplace


def answer_with(path: Path, answer: bytes) -> threading.Thread:
    """Say this to whoever asks first."""
    channel = socket.socket(socket.AF_UNIX)
    channel.bind(str(path))
    channel.listen()

    def serve() -> None:
        with channel:
            peer, _ = channel.accept()
            with peer:
                peer.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b'{"error": "no such account", "kind": "usage"}\n', WrongRequest),
        (b'{"error": "not now", "kind": "failed"}\n', PermanentError),
        (b"nonsense\n", TemporaryError),
        (b"", TemporaryError),
    ],
    ids=["usage", "failed", "nonsense", "nothing"],
)
def test_what_the_daemon_says_is_told(
    tmp_path: Path, answer: bytes, kind: type[Exception]
) -> None:
    path = tmp_path / "control.sock"
    thread = answer_with(path, answer)
    with pytest.raises(kind) as error:
        call(path, "poll", {})
    thread.join()
    assert type(error.value) is kind


def test_a_daemon_that_is_just_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(TemporaryError, match=r"can't be asked at .*: .* No such file"):
        call(tmp_path / "control.sock", "poll", {})


def test_who_has_the_store_and_does_not_listen_is_named(workplace: Workplace) -> None:
    """As `run --once` does."""
    with_store(workplace, lambda store: store.holds())
    with exclusive(store_of(workplace)):
        done = workplace.run("pause", "home")
    assert done.code == 1
    assert "has the store, and listens to nobody" in done.err


def test_the_daemon_s_folder_may_have_a_very_long_path(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than a socket's address."""
    runtime = workplace.folder / ("long" * 40)
    runtime.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(runtime))
    assert run_attended(workplace, "pause", "home").code == 0
