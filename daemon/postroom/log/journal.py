"""The systemd journal: is it what reads a stream, how urgent is a line, and how an
entry with fields is written.

sd-daemon(3): a line that begins with `<N>` has the priority N of syslog(3). The fields
are those of systemd.journal-fields(7), in the journal's native protocol: `NAME=value`,
or where the value has several lines, `NAME`, its length in 8 octets, and the value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

SOCKET = Path("/run/systemd/journal/socket")

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def is_journal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """True if the stream is the one that systemd has connected to the journal, and was
    not sent elsewhere since (systemd.exec(5), `$JOURNAL_STREAM`)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # it has no file, or is closed
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def with_priority(line: str, level: str) -> str:
    """The line as the journal reads it."""
    return f"<{_PRIORITIES[level]}>{line}"


def encode_entry(event: Mapping[str, object]) -> bytes:
    """An event as an entry: the text for people, the priority, and a field for each of
    its keys; a list is a field that comes several times."""
    message = _message(event)
    fields = [("MESSAGE", message), ("PRIORITY", _PRIORITIES[str(event["level"])])]
    fields += [("SYSLOG_IDENTIFIER", "postroom"), *_fields(event)]
    return b"".join(_encode_field(name, str(value)) for name, value in fields)


def _message(event: Mapping[str, object]) -> str:
    """The event and what belongs to it, on a line; a traceback on the lines below."""
    told = [f"{key}={_plain(value)}" for key, value in _details(event)]
    line = " ".join([str(event["event"]), *told])
    return "\n".join(filter(None, [line, str(event.get("exception") or "")]))


def _details(event: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in event.items():
        if key not in ("event", "level", "timestamp", "exception"):
            yield key, value


def _plain(value: object) -> str:
    """A value as people read it; in quotes where it would not end."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}'" if " " in text or not text else text


def _fields(event: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    yield "EVENT", event["event"]
    for key, value in _details(event):
        for each in value if isinstance(value, list) else [value]:
            yield _NAMES.get(key) or _field_name(key), each


# The rules that matched are found as the rule that did something is.
_NAMES = {"matched": "RULE"}


def _field_name(key: str) -> str:
    """The key as a field may be called, which never begins with `_` or a digit."""
    name = re.sub("[^A-Z0-9_]", "_", key.upper()).lstrip("_0123456789")
    return name[:64] or "FIELD"


def _encode_field(name: str, value: str) -> bytes:
    octets = value.encode("utf-8", "backslashreplace")
    if b"\n" not in octets:
        return b"%s=%s\n" % (name.encode(), octets)
    return b"%s\n%s%s\n" % (name.encode(), len(octets).to_bytes(8, "little"), octets)
