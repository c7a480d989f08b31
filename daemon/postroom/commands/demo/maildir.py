"""The files of a Maildir, as any mail program would find them.

Nothing of postroom's own Maildir code is asked: what is shown is what is on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postroom.mail.header import Header


@dataclass(frozen=True)
class Filed:
    """A message in a Maildir: its folder, as the disk has it, and its file there."""

    folder: str
    path: Path

    @property
    def content(self) -> bytes:
        """All of its octets; lines end as they do in files."""
        return self.path.read_bytes()

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return Header.parse(self.content).text("Subject")

    @property
    def shown_path(self) -> str:
        """Its place in the folder; of its long name only the flags."""
        _, _, flags = self.path.name.partition(":")
        return f"{self.path.parent.name}/…" + (f":{flags}" if flags else "")


def read_maildir(root: Path) -> list[Filed]:
    """The messages of a Maildir and its folders, each folder's in order of arrival."""
    folders = [root, *sorted(path for path in root.glob(".*") if path.is_dir())]
    return [filed for folder in folders for filed in _read_folder(folder)]


def _read_folder(folder: Path) -> Iterator[Filed]:
    name = folder.name if folder.name.startswith(".") else ""
    files = [path for sub in ("new", "cur") for path in (folder / sub).glob("[!.]*")]
    for path in sorted(files, key=lambda path: path.name):
        yield Filed(name, path)
