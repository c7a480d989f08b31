"""What a local Maildir holds, as a program that is not postroom sees it.

It is read by the standard library's `mailbox`, never by what wrote it.
"""

from __future__ import annotations

import mailbox
from pathlib import Path

from tests.servers.reading import Stored, decoded

_FLAGS = {
    "D": "\\Draft",
    "F": "\\Flagged",
    "P": "$Forwarded",
    "R": "\\Answered",
    "S": "\\Seen",
    "T": "\\Deleted",
}


def messages_in(root: Path) -> dict[str, list[Stored]]:
    """All messages by folder, in the order of their names, with CRLF behind each line;
    `/` is the delimiter, and names are out of modified UTF-7."""
    inbox = mailbox.Maildir(root, create=False)
    folders = {
        decoded(name).replace(".", "/"): inbox.get_folder(name)
        for name in sorted(inbox.list_folders())
    }
    return {name: _stored(each) for name, each in {"INBOX": inbox, **folders}.items()}


def drafts_in(root: Path) -> list[Path]:
    """What lies half-written anywhere below the root."""
    return [path for folder in root.rglob("tmp") for path in folder.iterdir()]


def _stored(folder: mailbox.Maildir) -> list[Stored]:
    return [_message(folder, key) for key in sorted(folder.keys())]


def _message(folder: mailbox.Maildir, key: str) -> Stored:
    with folder.get_file(key) as file:
        raw = file.read()
    names = folder.get_message(key).get_flags()
    flags = frozenset(_FLAGS.get(letter, letter) for letter in names)
    return Stored(flags, raw.replace(b"\n", b"\r\n"))
