"""What is installed: each file with its place and its text, and each folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from postroom.commands.install.layout import Layout
from postroom.commands.shipped import find_sample_rules, find_units

# What the units name, for whoever has postroom elsewhere.
_PROGRAM = "/opt/postroom/bin/postroom"
_PROGRAMS = "ExecPaths=/usr /opt/postroom"

_SYSTEM_UNITS = ("postroom.service", "postroom@.service")
_USER_UNITS = ("user/postroom.service",)

# Below the folder for what is no code; by the names of the pages that are written anew.
_PAGES = {
    "man": "man/man1/postroom.1",
    "bash": "bash-completion/completions/postroom",
    "zsh": "zsh/site-functions/_postroom",
    "fish": "fish/vendor_completions.d/postroom.fish",
}


@dataclass(frozen=True)
class File:
    """A file of ours, and all that it holds."""

    path: Path
    text: str


@dataclass(frozen=True)
class Link:
    """A name under which something is found."""

    path: Path
    target: Path


@dataclass(frozen=True)
class Folder:
    """A folder that its owner fills."""

    path: Path
    mode: int = 0o755


def folders(layout: Layout) -> Iterator[Folder]:
    """Where settings, rules, plugins and passwords will stand."""
    top = layout.settings
    yield Folder(top, 0o700 if layout.is_user else 0o755)
    yield from (Folder(top / "rules.d"), Folder(top / "plugins"))
    yield Folder(top / "secrets", 0o700)


def files(layout: Layout, pages: Mapping[str, str]) -> Iterator[File | Link]:
    """All that is ours: `pages` are the manual page, and what shells complete by."""
    for name in _USER_UNITS if layout.is_user else _SYSTEM_UNITS:
        yield File(layout.units / Path(name).name, _unit(layout, name))
    for page, text in pages.items():
        yield File(layout.share / _PAGES[page], text)
    for sample in sorted(find_sample_rules().glob("*.toml")):
        place = layout.share / "doc" / "postroom" / "rules.d" / sample.name
        yield File(place, sample.read_text())
    yield Link(layout.prefix / "bin" / "postroom", layout.program)


def _unit(layout: Layout, name: str) -> str:
    text = (find_units() / name).read_text()
    programs = " ".join(map(str, filter(None, (layout.home, layout.python))))
    return text.replace(_PROGRAM, str(layout.program)).replace(
        _PROGRAMS, f"ExecPaths=/usr {programs}"
    )
