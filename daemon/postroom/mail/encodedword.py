"""Encoded words in header fields (RFC 2047), read without ever raising."""

from __future__ import annotations

import binascii
import re
from itertools import groupby

from postroom.mail import limits
from postroom.mail.charset import decode

_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
# RFC 2047, section 6.2: white space between adjacent encoded words is not shown.
_ADJACENT = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")


def decode_words(text: str) -> str:
    """The text with its encoded words decoded; unchanged if it has too many of them."""
    if "=?" not in text:
        return text
    text = _ADJACENT.sub(r"\1", text)
    words = list(_WORD.finditer(text, 0))
    if not words or len(words) > limits.ENCODED_WORDS:
        return text
    return "".join(_pieces(text, words))


def _pieces(text: str, words: list[re.Match[str]]) -> list[str]:
    pieces, end = [], 0
    for _, run in groupby(_with_runs(words), key=lambda item: item[0]):
        group = [word for _, word in run]
        pieces.append(text[end : group[0].start()])
        pieces.append(_decode_run(group))
        end = group[-1].end()
    return [*pieces, text[end:]]


def _with_runs(words: list[re.Match[str]]) -> list[tuple[int, re.Match[str]]]:
    """Number the runs of words that touch and share a charset.

    Many writers split a character of several octets over two words.
    """
    numbered, run = [], 0
    for before, word in zip([None, *words[:-1]], words, strict=True):
        if before is None or not _touch(before, word):
            run += 1
        numbered.append((run, word))
    return numbered


def _touch(before: re.Match[str], word: re.Match[str]) -> bool:
    return before.end() == word.start() and before[1].lower() == word[1].lower()


def _decode_run(words: list[re.Match[str]]) -> str:
    octets = [_octets(word[2], word[3]) for word in words]
    if any(part is None for part in octets):
        return "".join(word[0] for word in words)
    return decode(b"".join(part or b"" for part in octets), words[0][1])


def _octets(encoding: str, text: str) -> bytes | None:
    data = text.encode("ascii", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    try:
        return binascii.a2b_base64(data + b"==")
    except binascii.Error:
        return None
