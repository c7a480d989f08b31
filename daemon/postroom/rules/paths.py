"""Where on this machine something is to go: folders, with values of a message in them.

Invariant: the levels before the first placeholder are the owner's, and a value from a
message stays in the level it stands in, below those.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from postroom.mail.filenames import clean_folder_name
from postroom.mail.message import Message
from postroom.rules.destinations import Path
from postroom.rules.options import as_list
from postroom.rules.placeholders import Template
from postroom.rules.text import Text

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Programs and settings of the machine, and what is no disk.
_SYSTEM = {
    *("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "sbin", "sys"),
    *("usr",),
}
_OCTETS = 250
# Not `/x/i`, which is a search as other languages write it.
_PATH = re.compile(r"(?:/[^/]+){3,}|/[^/]+/[^/]{4,}")


def check_folder(path: str) -> str:
    """The path, if it is one that something may be saved in; raises `ValueError`."""
    levels = path.removesuffix("/").split("/")
    if levels[0]:
        raise ValueError(
            f"expected a path from the root, such as /srv/mail, not {path}"
        )
    if _CONTROLS.search(path):
        raise ValueError("a path has no control characters")
    if "" in levels[1:]:
        raise ValueError("a part between the slashes is empty")
    if {".", ".."} & {*levels}:
        raise ValueError("a path is written without . and ..")
    return path


def check_outside_system(path: str) -> int:
    """How many levels the path of a folder has that is not the system's; raises
    `ValueError`."""
    levels = check_folder(path).removesuffix("/").split("/")[1:]
    if levels[:1] and levels[0] in _SYSTEM:
        raise ValueError(f"/{levels[0]} is the system's: nothing is saved in there")
    return len(levels)


def check_root(path: str) -> str:
    """The path of a folder that is for such things only; raises `ValueError`."""
    if check_outside_system(path) < 2:
        raise ValueError(
            f"a stranger could choose what stands in {path or '/'} itself: expected a "
            "folder of its own, such as /srv/invoices"
        )
    return path


class FolderPath(Template):
    """A folder on this machine; nobody but the owner chooses the levels before the
    first placeholder."""

    names: ClassVar[frozenset[str]] = Path.names

    @model_validator(mode="after")
    def _check_path(self) -> Self:
        check_folder(self.outline)
        check_root(self.top)
        return self

    @property
    def top(self) -> str:
        """The folder that is the owner's choice alone."""
        begun = self.beginning
        whole = begun == self.outline
        return begun.rstrip("/") if whole else begun.rpartition("/")[0]

    def below(self, message: Message) -> list[str]:
        """The levels below that folder, for this message."""
        rest = self.expand(message)[len(self.top) :].strip("/")
        return [_shorten(level) for level in rest.split("/") if rest]

    def clean(self, value: str, message: Message) -> str:
        """A part of one level of the path."""
        return clean_folder_name(value)


def _shorten(level: str) -> str:
    """Several values in one level may be more than a name can have."""
    return level.encode()[:_OCTETS].decode("utf-8", "ignore").rstrip(" .") or "_"


def _read_file_names(value: object) -> object:
    if isinstance(value, str) and _PATH.fullmatch(value):
        raise ValueError(
            f'a folder is written as to = "{value}", and what is saved there as '
            'attachments = "*.pdf" or message = true'
        )
    return ["*"] if value is True else as_list(value)


def check_braceless(path: str) -> str:
    """The path, if no placeholder was meant in it; raises `ValueError`."""
    if {"{", "}"} & {*path}:
        raise ValueError("braces stand for placeholders, and there are none here")
    return path


LocalFolder = Annotated[
    str, AfterValidator(check_braceless), AfterValidator(check_root)
]
FileNames = Annotated[
    tuple[Text, ...],
    BeforeValidator(
        _read_file_names, json_schema_input_type=Literal[True] | Text | tuple[Text, ...]
    ),
    Field(min_length=1),
]
