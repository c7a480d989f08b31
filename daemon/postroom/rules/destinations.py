"""Where a message is to go: a mailbox, with values of the message in its name.

Invariant: a value from a message stays in the level it stands in: it neither adds a
level nor leaves one out, nor means anything to a server.
"""

from __future__ import annotations

import re
import unicodedata
from math import ceil
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, PlainSerializer, model_validator

from postroom.mail.composed import compose
from postroom.mail.message import Message
from postroom.rules.placeholders import VALUES, Template

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# On servers that have everything below INBOX, INBOX/Trash is Trash.
_TOP = r"\s*(?:INBOX|\[Gmail\]|\[Google Mail\]|\{mailbox\})\s*[/.]"
_CHOSEN = r"\s*(?:\{(?:from|list)\.\w+\}\s*)+(?:[/.]|\Z)"
_STRANGERS = re.compile(rf"(?P<top>(?:{_TOP})*)(?P<rest>{_CHOSEN})", re.IGNORECASE)
# A Maildir has its dots as levels, whatever delimiter the server shows: Dovecot refuses
# others. `*` and `%` stand for many mailboxes (RFC 3501, section 6.3.8).
_SPECIAL = frozenset("/.*%")
# In modified UTF-7 it is up to twice as long, and a file name has 255 octets.
_OCTETS = 100
_LONGEST_ON_DISK = 255
_BEYOND_ASCII = re.compile(r"[^ -~]+")


def check_mailbox(name: str) -> str:
    """The name, if a mailbox can have it; raises `ValueError`."""
    if not name.strip():
        raise ValueError('expected the name of a mailbox, such as "Lists/python"')
    if _CONTROLS.search(name):
        raise ValueError("a mailbox name has no control characters")
    if "" in name.split("/"):
        raise ValueError("a part between the slashes is empty")
    return name


def clean_level(value: str, delimiter: str | None) -> str:
    """A stranger's text as a part of one level of a mailbox name."""
    level = compose(value)
    special = {*_SPECIAL, delimiter}
    kept = ("_" if c in special or _is_hidden(c) else c for c in level)
    octets = "".join(kept).strip().encode()[:_OCTETS]
    level = octets.decode("utf-8", "ignore").strip()
    # ~ and # begin what is not the user's own (RFC 3501, section 5.1.2).
    return "_" + level[1:] if level[:1] in ("", "~", "#") else level


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


class Path(Template):
    """A path below a mailbox; an empty one is the mailbox itself."""

    names: ClassVar[frozenset[str]] = frozenset(VALUES) - {"subject"}

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.root.startswith("/"):
            raise ValueError("a path below the archive has no slash at its beginning")
        if self.root:
            check_mailbox(self.outline)
        return self

    def below(self, mailbox: str, message: Message) -> str:
        """The path from the top, for this message."""
        return f"{mailbox}/{self.expand(message)}" if self.root else mailbox

    def clean(self, value: str, message: Message) -> str:
        """A part of one level of the name."""
        return clean_level(value, message.delimiter)

    def __str__(self) -> str:
        """The path as a rule file writes it."""
        return super().__str__() if self.root else "true"


class Destination(Template):
    """A mailbox; its first level is not for a stranger to choose, nor is the one below
    INBOX."""

    names: ClassVar[frozenset[str]] = Path.names

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        check_mailbox(self.outline)
        _check_top(self.root)
        return self

    def clean(self, value: str, message: Message) -> str:
        """A part of one level of the name."""
        return clean_level(value, message.delimiter)


class MaildirFolder(Path):
    """A folder of a Maildir on this machine, named as a mailbox is."""

    @model_validator(mode="after")
    def _check_folder(self) -> Self:
        check_mailbox(self.outline)
        _check_top(self.root)
        if "." in self.outline:
            raise ValueError(
                "in a Maildir a dot begins another level: no folder can be called "
                f"{self.root!r}; put another sign in its place"
            )
        octets = _measure_on_disk(self.outline)
        if octets > _LONGEST_ON_DISK:
            raise ValueError(
                f"it takes {octets} octets on disk, and {_LONGEST_ON_DISK} are the most"
            )
        return self


def _measure_on_disk(folder: str) -> int:
    """The octets of its name there: a dot, and modified UTF-7 (RFC 3501, section
    5.1.3)."""
    name = _BEYOND_ASCII.sub(lambda run: "x" * _measure_run(run[0]), folder)
    return 1 + len(name.replace("&", "&-"))


def _measure_run(run: str) -> int:
    """Six bits in an octet, between & and -."""
    return 2 + ceil(len(run.encode("utf-16-be")) * 8 / 6)


def _check_top(root: str) -> None:
    if chosen := _STRANGERS.match(root):
        top = chosen["top"].strip()
        rest = root[chosen.start("rest") :].strip()
        raise ValueError(
            "a stranger could choose Trash: put a mailbox before it, "
            f'such as "{top}Senders/{rest}"'
        )


def _read_true(value: object) -> object:
    if value == "":
        raise ValueError("expected true, or the path of a mailbox")
    return "" if value is True else value


def _write_true(path: Path) -> str | bool:
    return path.root or True


Subfolder = Annotated[
    Path,
    BeforeValidator(_read_true, json_schema_input_type=Literal[True] | str),
    PlainSerializer(_write_true, when_used="json"),
]
