"""The lock of a store tells who has it, and where that one listens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from postroom.errors import StoreError
from postroom.store.lock import Holder, exclusive, find_holder, note_control

CONTROL = Path(os.fsdecode(b"/run/a folder/\xff/control.sock"))


def test_nobody_has_a_store_that_nobody_opened(tmp_path: Path) -> None:
    assert find_holder(tmp_path / "store.db") is None


def test_who_has_it_is_found_with_the_socket(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with exclusive(store):
        assert find_holder(store) == Holder(os.getpid(), None)
        note_control(store, CONTROL)
        assert find_holder(store) == Holder(os.getpid(), CONTROL)
    assert find_holder(store) is None


def test_the_next_holder_does_not_listen_where_the_last_did(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with exclusive(store):
        note_control(store, CONTROL)
    with exclusive(store):
        assert find_holder(store) == Holder(os.getpid(), None)


def test_a_second_one_is_told_which_process_has_it(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with exclusive(store):
        note_control(store, CONTROL)
        told = rf"another postroom \(process {os.getpid()}\) uses"
        with pytest.raises(StoreError, match=told), exclusive(store):
            pass


def test_a_lock_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't be written: No such file"):
        note_control(tmp_path / "absent" / "postroom.db", CONTROL)
