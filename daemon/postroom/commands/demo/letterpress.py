"""How the sample messages are made out of text that one can read."""

from __future__ import annotations

from textwrap import dedent


def write_letter(text: str, **inserted: str) -> bytes:
    """The lines of an indented text as octets of a message, each ended by CRLF.

    `{name}` is replaced by the text that is given under that name.
    """
    lines = dedent(text).removeprefix("\n").format_map(inserted).splitlines()
    return "".join(f"{line}\r\n" for line in lines).encode()
