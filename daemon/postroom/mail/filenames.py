"""Names of files and folders, made of what a stranger wrote.

Invariant: such a name is one level of a path that leads nowhere else, is seen as it is,
and can be had on every system that files are shared with.
"""

from __future__ import annotations

import re
import unicodedata

from postroom.mail.composed import compose

_OCTETS = 120
_EXTENSION_OCTETS = 16
# Separators of paths, and what else Windows has in no name.
_SPECIAL = re.compile(r'[/\\<>:"|?*]')
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
# Letters and marks that show nothing: fillers, joiners, selectors of variants.
_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0"
    "\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
# With or without an extension they are no files on Windows.
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\xb9\xb2\xb3])\s*(?:\.|\Z)",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"\.[^\W_]+\Z")


def clean_file_name(name: str, otherwise: str = "attachment") -> str:
    """The name as a file can have it, its extension kept; `otherwise` where nothing of
    it is left."""
    return _fit(_disarm(name) or otherwise)


def clean_folder_name(name: str) -> str:
    """The name as a folder can have it, or a part of one level of a path."""
    return _shorten(_disarm(name), _OCTETS) or "_"


def number_name(name: str, number: int) -> str:
    """The name for the next one of that name: `bill (2).pdf`."""
    stem, extension = _split(name)
    return f"{stem} ({number}){extension}"


def _disarm(name: str) -> str:
    shown = "".join(map(_show, _BLANKS.sub("", name)))
    # What was taken out may have kept letters and accents apart.
    bare = compose(_SPECIAL.sub("_", shown)).strip(" .")
    # A program takes the one for an option, a shell the other for somebody's home.
    bare = "_" + bare[1:] if bare[:1] in ("-", "~") else bare
    return f"_{bare}" if _DEVICE.match(bare) else bare


def _show(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # it is not seen, or turns round what follows
        return ""
    if category == "Zs":
        return " "
    return "_" if category in _CONTROLS else character


def _fit(name: str) -> str:
    stem, extension = _split(name)
    return _shorten(stem, _OCTETS - len(extension.encode())) + extension


def _split(name: str) -> tuple[str, str]:
    """The name without its extension, and that; what is long is none."""
    found = _EXTENSION.search(name)
    if not found or not found.start() or len(found[0].encode()) > _EXTENSION_OCTETS:
        return name, ""
    return name[: found.start()], found[0]


def _shorten(text: str, octets: int) -> str:
    return text.encode()[:octets].decode("utf-8", "ignore").rstrip(" .")
