"""What folders and files of a Maildir are called.

No name of a folder leads out of its Maildir. A file is named after the message's UID,
so that a second try after a crash makes the same name.
"""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import datetime

from postroom.errors import PermanentError
from postroom.mail.names import canonical, is_inbox
from postroom.transport.mutf7 import decode_leniently, encode_utf7

# What stands between the levels of folders on disk; their names are all in one folder.
DELIMITER = "."
# No common file system takes a longer name.
LONGEST = 255

_BASE = re.compile(r"[A-Za-z0-9_=+-][A-Za-z0-9_=+.-]{0,150}")
_OURS = re.compile(
    r"[0-9]+\.U([0-9]{1,18})V([0-9]{1,18})\.postroom(?:,[^:]*)?(?::2,.*)?", re.DOTALL
)
_OCTETS_WITH_CRLF = re.compile(r",W=([0-9]{1,18})(?=[,:]|$)")
_INFO = ":2,"


def folder_on_disk(name: str) -> str:
    """The name on disk of the folder that a user calls `name`; empty for INBOX, which
    is the Maildir itself. Raises `PermanentError` if no folder can have that name."""
    path = canonical(name)
    if is_inbox(path):
        return ""
    for level in path.split("/"):
        if fault := _fault(level):
            shown = f"{name[:60]!r} can't be the name of a folder of a Maildir"
            raise PermanentError(f"{shown}: {fault}")
    encoded = DELIMITER + encode_utf7(path.replace("/", DELIMITER))
    if len(encoded) > LONGEST:
        raise PermanentError(
            f"{name[:60]!r}... can't be the name of a folder of a Maildir: "
            f"it takes {len(encoded)} octets on disk, and {LONGEST} are the most"
        )
    return encoded


def folder_of_user(on_disk: str) -> str | None:
    """What the user calls the folder of that name on disk; None if it is none."""
    if not on_disk.startswith(DELIMITER):
        return None
    text = decode_leniently(os.fsencode(on_disk[1:])).replace("/", "_")
    name = canonical(text.replace(DELIMITER, "/"))
    if is_inbox(name) or any(map(_fault, name.split("/"))):
        return None  # the Maildir itself is INBOX
    return name


def base(since: datetime, uid: int, uidvalidity: int) -> str:
    """The beginning of the name of a message's file: always the same for it."""
    return f"{int(since.timestamp())}.U{uid}V{uidvalidity}.postroom"


def require_base(name: str) -> str:
    """The base name, if a file can be called so; raises `PermanentError` if not."""
    if not _BASE.fullmatch(name):
        raise PermanentError(f"{name[:60]!r} can't be the name of a file of a Maildir")
    return name


def base_of(file: str) -> str:
    """The base name of any file: what remains the same whoever renames it."""
    return file.partition(":")[0].partition(",")[0]


def uid_of(file: str, uidvalidity: int) -> int | None:
    """The UID in a file's name; None if it is not one of these messages."""
    found = _OURS.fullmatch(file)
    if found is None or int(found[2]) != uidvalidity:
        return None
    return int(found[1])


def size_of(file: str) -> int | None:
    """The octets of the message with CRLF, if the file's name tells them."""
    found = _OCTETS_WITH_CRLF.search(file.partition(":")[0])
    return int(found[1]) if found else None


def letters_of(file: str) -> str:
    """The letters of the flags in a file's name."""
    return file.partition(_INFO)[2]


def with_letters(file: str, letters: str) -> str:
    """The file's name with these letters for its flags."""
    return file.partition(_INFO)[0] + _INFO + letters


def _fault(level: str) -> str:
    """What keeps this from being a level of a folder's name; empty if nothing does."""
    if not level:
        return "one of its levels is empty"
    if DELIMITER in level:
        return f"a dot stands between levels on disk, and {level[:60]!r} has one"
    if any(map(_unprintable, level)):
        return "it has a character that can't be printed"
    return ""


def _unprintable(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
