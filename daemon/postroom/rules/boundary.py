"""The one boundary around code that is not postroom's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from traceback import clear_frames, walk_tb
from types import TracebackType

from postroom.errors import PluginError
from postroom.log import redact

_PACKAGE = Path(__file__).parents[1]
_LIBRARY = Path(contextlib.__file__).parent


@contextlib.contextmanager
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
        place = _tell_place(error.__traceback__)
        clear_frames(error.__traceback__)
        # The reason is kept in the store.
        reason = redact(f"{type(error).__name__}: {error}{place}")
        raise PluginError(plugin, f"{doing}: {reason}") from error


def _tell_place(traceback: TracebackType | None) -> str:
    """` (shouting.py:12)`: the innermost line of the first file that is not postroom's
    own, which is the plugin's; its folder is nobody's business."""
    lines = [
        (Path(frame.f_code.co_filename), number) for frame, number in walk_tb(traceback)
    ]
    # The first two are those of `plugin_code` and of what is done in it.
    lines = lines[2:]
    plugin = next((path for path, _ in lines if not _is_own(path)), None)
    if plugin is None:
        return ""
    *_, number = (number for path, number in lines if path == plugin)
    return f" ({plugin.name}:{number})"


def _is_own(path: Path) -> bool:
    """True for what stands between postroom and a plugin's code."""
    parts = path.relative_to(_LIBRARY).parts if path.is_relative_to(_LIBRARY) else ()
    return (
        path.is_relative_to(_PACKAGE)
        or path.name.startswith("<")
        or (bool(parts) and parts[0] != "site-packages")
        or path.parent.name in ("pluggy", "pydantic")
    )
