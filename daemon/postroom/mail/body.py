"""The readable text of a body, whatever its MIME structure is like; never raising."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from postroom.mail import limits
from postroom.mail.charset import decode
from postroom.mail.composed import compose
from postroom.mail.parts import Part, walk_parts

# Stopping at the next "<" keeps it linear on text full of unclosed tags, and giving
# nothing back does so on a tag without an end.
_TAG = re.compile(r"<(/?)([A-Za-z!][A-Za-z0-9]*+)[^<>]*+>")
# Python refuses to read a number that has thousands of digits.
_ENDLESS_REFERENCE = re.compile(r"&#[0-9]{9,};?")
_NOT_SHOWN = {"style", "script"}
# What other tags stand in is one line: they may be in the middle of a word.
_LINES = re.compile(
    r"address|article|aside|blockquote|body|br|caption|center|d[dlt]|details|dialog|dir"
    r"|div|fieldset|figcaption|figure|footer|form|h[1-6r]|head|header|hgroup|html|legend"
    r"|li|main|menu|nav|ol|optgroup|option|p|pre|search|section|select|summary|table"
    r"|t[dhr]|tbody|textarea|tfoot|thead|title|ul"
)


def read_text(raw: bytes) -> str:
    """All text/plain that is shown, or where there is none all text/html without tags.

    At most a mebi of characters, in their lines, the accents in one form (NFC).
    """
    shown = [part for part in walk_parts(raw) if not part.is_attachment]
    plain = _join(part for part in shown if part.media_type == "text/plain")
    if plain.strip():
        return compose(plain)
    markup = _join(part for part in shown if part.media_type == "text/html")
    text = _ENDLESS_REFERENCE.sub("\N{REPLACEMENT CHARACTER}", "".join(_shown(markup)))
    return compose(html.unescape(text))


def _shown(markup: str) -> Iterator[str]:
    """The pieces of text between tags, without style sheets and scripts, and a space
    where one line ends and another begins."""
    hidden, end = "", 0
    for tag in _TAG.finditer(markup):
        if not hidden:
            yield markup[end : tag.start()]
        name = tag[2].lower()
        if _LINES.fullmatch(name):
            yield " "
        if hidden:
            hidden = "" if tag[1] and name == hidden else hidden
        elif name in _NOT_SHOWN and not tag[1]:
            hidden = name
        end = tag.end()
    if not hidden:
        yield markup[end:]


def _join(parts: Iterator[Part]) -> str:
    texts, room = [], limits.TEXT_CHARACTERS
    for part in parts:
        # No charset has more than four octets a character, and some are slow to read.
        octets = part.content[: room * 4]
        text = decode(octets, part.parameters.get("charset", ""))[:room]
        texts.append(text)
        room -= len(text)
        if room <= 0:
            break
    return "\n".join(texts)
