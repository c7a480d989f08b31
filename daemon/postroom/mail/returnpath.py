"""The Return-Path: where bounces and answers go, as the last server noted it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from postroom.mail.addresses import is_address
from postroom.mail.header import Field, Header
from postroom.mail.tokens import without_comments

# RFC 5321, section 4.4: the clause that tells which other host a message came from.
# What servers like Gmail's note of their own insides has none.
_FROM_OUTSIDE = re.compile(r"from\s", re.IGNORECASE)
# Some servers call the null sender so.
_NULL = re.compile(r"<(?:mailer-daemon(?:@.*)?)?>\Z", re.IGNORECASE)
_DAEMON = re.compile(r"(?:\A|[<,:;])\s*mailer-daemon\s*(?:[@>,;]|\Z)", re.IGNORECASE)
_REPORTS = {"multipart/report", "message/delivery-status"}


def read_return_path(header: Header) -> str:
    """The one address of the Return-Path; empty if it is missing, null or several.

    It counts where only the owner's servers can have put it.
    """
    fields, found = header.all("Return-Path"), header.addresses("Return-Path")
    fit = len(fields) == len(found) == 1 and is_address(found[0].address)
    return found[0].address if fit and not is_forgeable(header) else ""


def is_forgeable(header: Header) -> bool:
    """True if a Return-Path may have been there before the owner's server took it.

    That server puts it before what it was given (RFC 5321, section 4.4), and what it
    was given is below the first Received field that names another host.
    """
    own = sum(entry.name.lower() == "return-path" for entry in _own_fields(header))
    return own < len(header.all("Return-Path"))


def _own_fields(header: Header) -> Iterator[Field]:
    return takewhile(lambda entry: not _came_from_outside(entry), header.fields)


def _came_from_outside(entry: Field) -> bool:
    received = entry.name.lower() == "received"
    return received and _FROM_OUTSIDE.match(entry.raw_text) is not None


def is_bounce(header: Header) -> bool:
    """True of what a server says about mail: by its sender, or because it is a report.

    Not every server that keeps mail notes a Return-Path.
    """
    paths = (without_comments(path.raw_text) for path in header.all("Return-Path"))
    null = any(_NULL.match("".join(path.split())) for path in paths)
    authors = (without_comments(author.raw_text) for author in header.all("From"))
    daemon = any(map(_DAEMON.search, authors))
    failed = header.has("X-Failed-Recipients")
    return null or daemon or failed or not _REPORTS.isdisjoint(header.media_types)
