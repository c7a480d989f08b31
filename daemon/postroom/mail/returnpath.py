"""The Return-Path: where bounces and answers go, as the last server noted it."""

from __future__ import annotations

from postroom.mail.addresses import is_address
from postroom.mail.header import Header
from postroom.mail.tokens import without_comments


def read_return_path(header: Header) -> str:
    """The one address of the Return-Path; empty if it is missing, null or several."""
    fields, found = header.all("Return-Path"), header.addresses("Return-Path")
    fit = len(fields) == len(found) == 1 and is_address(found[0].address)
    return found[0].address if fit else ""


def is_bounce(header: Header) -> bool:
    """True of what a server says about mail: its sender is null, or it is a report."""
    paths = (without_comments(path.raw_text) for path in header.all("Return-Path"))
    null = any("".join(path.split()) == "<>" for path in paths)
    return null or "multipart/report" in header.media_types
