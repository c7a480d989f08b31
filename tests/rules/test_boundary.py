"""What a plugin raises names it, and holds on to nothing."""

from __future__ import annotations

import weakref

import pytest

from postroom.errors import PluginError
from postroom.rules.boundary import plugin_code


class Large:
    """Stands for what takes much memory."""


def fail(taken: list[weakref.ref[Large]]) -> None:
    large = Large()
    taken.append(weakref.ref(large))
    raise MemoryError("no more")


def test_what_a_plugin_held_is_let_go_while_its_failure_is_kept() -> None:
    """Or the messages after it would have no memory either."""
    taken: list[weakref.ref[Large]] = []
    with pytest.raises(PluginError) as kept, plugin_code("acme", "eating"):
        fail(taken)
    assert str(kept.value) == "acme: eating: MemoryError: no more"
    assert taken[-1]() is None


def test_a_plugin_can_not_exit() -> None:
    with pytest.raises(PluginError, match="SystemExit: 3"), plugin_code("acme", "it"):
        raise SystemExit(3)
