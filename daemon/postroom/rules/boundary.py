"""The one boundary around code that is not postroom's own."""

from __future__ import annotations

import contextlib
from pathlib import Path
from traceback import clear_frames, walk_tb
from types import TracebackType

from postroom.errors import PluginError
from postroom.log import redact

_PACKAGE = Path(__file__).parents[1]
_LIBRARY = Path(contextlib.__file__).parent


def plugin_code(plugin: str, doing: str) -> Boundary:
    """Turn whatever a plugin raises into a `PluginError` that names it.

    A plugin's mistake then costs its own message an attempt, and nobody else anything:
    what it held in memory when it failed is let go at once.
    """
    return Boundary(plugin, doing)


class Boundary:
    """The context that `plugin_code` makes; it may be entered again and again, by
    several threads."""

    __slots__ = ("_doing", "_plugin")

    def __init__(self, plugin: str, doing: str) -> None:
        self._plugin = plugin
        self._doing = doing

    def __enter__(self) -> None:
        """Nothing is needed before the plugin's code."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, PluginError):
            return
        if not isinstance(error, Exception | SystemExit):
            return
        place = _tell_place(traceback)
        clear_frames(traceback)
        # The reason is kept in the store.
        reason = redact(f"{type(error).__name__}: {error}{place}")
        raise PluginError(self._plugin, f"{self._doing}: {reason}") from error


def _tell_place(traceback: TracebackType | None) -> str:
    """` (shouting.py:12)`: the innermost line of the first file that is not postroom's
    own, which is the plugin's; its folder is nobody's business."""
    lines = [
        (Path(frame.f_code.co_filename), number) for frame, number in walk_tb(traceback)
    ]
    # The first one is that of what is done in `plugin_code`.
    lines = lines[1:]
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
