"""The one boundary around code that is not postroom's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from postroom.errors import PluginError


@contextmanager
def plugin_code(plugin: str, doing: str) -> Iterator[None]:
    """Turn whatever a plugin raises into a `PluginError` that names it.

    A plugin's mistake then costs its own message an attempt, and nobody else anything.
    """
    try:
        yield
    except PluginError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(plugin, f"{doing}: {reason}") from error
