"""The cookbook, read: each recipe with its rules and the messages it is tried on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(toml|mail)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REMARK = re.compile(r"\((arrived|attached|found|mailbox|size): (.+)\)")
_BOUNDARY = "cut"
_MORNING = "2026-03-03 09:00"


@dataclass(frozen=True)
class Letter:
    """A message as the page writes it, and what must come of it."""

    header: tuple[str, ...]
    text: tuple[str, ...]
    expected: str
    remarks: tuple[tuple[str, str], ...] = ()

    @property
    def raw(self) -> bytes:
        """The octets of the message."""
        lines = [*self.header, *self._body()]
        return "".join(f"{line}\r\n" for line in lines).encode()

    @property
    def received(self) -> datetime:
        """When it arrived, by the clock of the machine, as the rules read it: on a
        Tuesday morning, unless the page says otherwise."""
        told = dict(self.remarks).get("arrived", _MORNING)
        return datetime.fromisoformat(told).astimezone()

    @property
    def found(self) -> datetime:
        """When the rules are asked: on arrival, unless the page says otherwise."""
        told = dict(self.remarks).get("found")
        return datetime.fromisoformat(told).astimezone() if told else self.received

    @property
    def mailbox(self) -> str:
        """Where it arrived."""
        return dict(self.remarks).get("mailbox", "INBOX")

    @property
    def size(self) -> int:
        """How large it is said to be, in octets; the page says it in MiB."""
        told = dict(self.remarks).get("size")
        return int(told.removesuffix("M")) * 1024**2 if told else len(self.raw)

    def _body(self) -> Iterator[str]:
        names = [value for kind, value in self.remarks if kind == "attached"]
        if not names:
            yield from ("", *self.text)
            return
        yield f"Content-Type: multipart/mixed; boundary={_BOUNDARY}"
        yield from ("", f"--{_BOUNDARY}", "", *self.text)
        for name in names:
            yield f"--{_BOUNDARY}"
            yield f'Content-Disposition: attachment; filename="{name}"'
            yield from ("", "contents")
        yield f"--{_BOUNDARY}--"


@dataclass(frozen=True)
class Recipe:
    """One section of the page."""

    title: str
    rules: str = field(repr=False)
    letters: tuple[Letter, ...] = field(repr=False)


def read_recipes(page: Path) -> list[Recipe]:
    """Every section of the page that has rules."""
    found = []
    for title, section in _SECTION.findall(page.read_text(encoding="utf-8")):
        blocks = _BLOCK.findall(section)
        if blocks:
            rules, mail = (_only(blocks, kind) for kind in ("toml", "mail"))
            found.append(Recipe(title, rules, tuple(_read_letters(mail))))
    return found


def _only(blocks: list[tuple[str, str]], kind: str) -> str:
    [block] = [text for found, text in blocks if found == kind]
    return block


def _read_letters(mail: str) -> Iterator[Letter]:
    """A message ends with the line that begins with an arrow."""
    lines: list[str] = []
    for line in mail.splitlines():
        if line.startswith("-> "):
            yield _read_letter(lines, line.removeprefix("-> "))
            lines = []
        elif line or lines:
            lines.append(line)
    if lines:
        raise ValueError(f"nothing is said of what must come of {lines}")


def _read_letter(lines: list[str], expected: str) -> Letter:
    matches = [(line, _REMARK.fullmatch(line)) for line in lines]
    remarks = tuple((found[1], found[2]) for _, found in matches if found)
    written = [line for line, found in matches if not found]
    end = written.index("") if "" in written else len(written)
    return Letter(tuple(written[:end]), tuple(written[end + 1 :]), expected, remarks)
