"""`postroom install`: units, folders, manual page and completion in their places."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from postroom.commands.install.layout import Layout, lay_out
from postroom.commands.install.needs import Needs, find_needs
from postroom.commands.install.putting import Hands
from postroom.commands.install.wares import files, folders
from postroom.commands.outcome import Exit, telling_errors
from postroom.config.configuration import load_configuration
from postroom.log import printable, say

_UNIT = "postroom.service"


def main(
    user: bool,
    prefix: Path | None,
    root: Path | None,
    dry_run: bool,
    uninstall: bool,
    pages: Mapping[str, str],
) -> int:
    """Install, or take away what was installed; 78 if the settings are wrong, and so
    what they need is not known."""
    layout = lay_out(user, prefix, root)
    hands = Hands(layout, dry_run)
    with telling_errors():
        if uninstall:
            _uninstall(hands, pages)
        else:
            layout.require_visible()
            _install(hands, pages)
    return Exit.DONE


def _install(hands: Hands, pages: Mapping[str, str]) -> None:
    layout = hands.layout
    for folder in folders(layout):
        hands.make(folder)
    for ware in files(layout, pages):
        hands.put(ware)
    needs = _find_needs(layout)
    wanted = [*needs.files(layout)]
    for ware in wanted:
        hands.put(ware)
    for path in _needed(layout) - {ware.path for ware in wanted}:
        hands.take(path, path.parents[1])
    if needs.places:
        _systemd(hands, "systemd-sysusers")
    _systemd(hands, *_systemctl(layout, "daemon-reload"))
    for line in _next_steps(layout, needs):
        print(printable(line))


def _uninstall(hands: Hands, pages: Mapping[str, str]) -> None:
    layout = hands.layout
    there = layout.real(layout.units / _UNIT).exists()
    if there:
        _systemd(hands, *_systemctl(layout, "disable", "--now", _UNIT))
    for ware in files(layout, pages):
        hands.take(ware.path, layout.prefix)
    for path in _needed(layout):
        hands.take(path, path.parents[1])
    if there:
        _systemd(hands, *_systemctl(layout, "daemon-reload"))
    hands.leave(layout.settings)
    if not layout.is_user:
        hands.leave(Path("/var/lib/postroom"))


def _find_needs(layout: Layout) -> Needs:
    """What the settings need, once they are written."""
    settings = layout.real(layout.settings / "postroom.toml")
    if layout.is_user or not settings.exists():
        return Needs()
    configuration = load_configuration(settings)
    return find_needs(configuration, layout)


def _needed(layout: Layout) -> set[Path]:
    """Where what settings may need would stand."""
    everything = Needs(plain=(Path("/x"),), places=(Path("/x"),))
    return set() if layout.is_user else {w.path for w in everything.files(layout)}


def _systemctl(layout: Layout, *words: str) -> tuple[str, ...]:
    return ("systemctl", "--user", *words) if layout.is_user else ("systemctl", *words)


def _systemd(hands: Hands, *command: str) -> None:
    """Have systemd do something, where it runs and this is not for a package."""
    if hands.layout.root != Path("/") or not Path("/run/systemd/system").is_dir():
        return
    print(printable(f"{'would run' if hands.dry else 'run':<11} {' '.join(command)}"))
    if hands.dry or not shutil.which(command[0]):
        return
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        say(printable(f"{command[0]}: {done.stderr.strip()}"))


def _next_steps(layout: Layout, needs: Needs) -> Iterator[str]:
    if layout.root != Path("/"):
        return
    for path in needs.missing:
        yield f"missing     {path}: write the password there, chmod 600, install again"
    for place in needs.places:
        yield f"to do       install -d -o postroom -g postroom -m 700 {place}"
    yield ""
    if not (layout.settings / "postroom.toml").exists():
        yield "Next: postroom init, then postroom check --connect, then"
    else:
        yield "Next: postroom check --connect, then"
    yield f"  {' '.join(_systemctl(layout, 'enable', '--now', 'postroom'))}"
