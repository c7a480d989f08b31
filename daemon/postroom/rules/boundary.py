"""The one boundary around code that is not postroom's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import clear_frames

from postroom.errors import PluginError
from postroom.log import redact


@contextmanager
def plugin_code(plugin: str, doing: str) -> Iterator[None]:
    """Turn whatever a plugin raises into a `PluginError` that names it.

    A plugin's mistake then costs its own message an attempt, and nobody else anything:
    what it held in memory when it failed is let go at once.
    """
    try:
        yield
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        clear_frames(error.__traceback__)
        # The reason is kept in the store.
        reason = redact(f"{type(error).__name__}: {error}")
        raise PluginError(plugin, f"{doing}: {reason}") from error
