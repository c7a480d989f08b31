"""What a plugin raises names it, and holds on to nothing."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from pathlib import Path

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
    assert re.fullmatch(
        r"acme: eating: MemoryError: no more \(test_boundary\.py:\d+\)", str(kept.value)
    )
    assert taken[-1]() is None


def test_a_plugin_can_not_exit() -> None:
    with pytest.raises(PluginError, match="SystemExit: 3"), plugin_code("acme", "it"):
        raise SystemExit(3)


def test_the_innermost_line_of_the_plugins_own_file_is_told(tmp_path: Path) -> None:
    """Not that of a library it calls; and nobody is told where the file is."""
    file = tmp_path / "shouting.py"
    inner = "import json\n\ndef inner():\n    json.loads('{')\n"
    text = f"{inner}\ndef outer():\n    inner()\n"
    names: dict[str, Callable[[], None]] = {}
    exec(compile(text, str(file), "exec"), names)
    with pytest.raises(PluginError) as kept, plugin_code("acme", "holds"):
        names["outer"]()
    assert str(kept.value).endswith("(shouting.py:4)")
    assert str(tmp_path) not in str(kept.value)
