"""What a power cut may take: nothing goes out before the journal of it is on the disk.

Told by strace: since what was read, or since the message was handed over, the store was
synced before the first command that acts on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_SYNCED = re.compile(r"\bfdatasync\(\d+<[^>]*postroom\.db-wal>")


@dataclass(frozen=True)
class Order:
    """Between these two the store must be synced."""

    name: str
    since: re.Pattern[str]
    before: re.Pattern[str]


ORDERS = (
    Order(
        "a plan is durable before the mailbox is changed",
        re.compile(r"sendto\(.* UID FETCH .*BODY"),
        re.compile(r"sendto\(.* UID (?:MOVE|COPY|STORE|EXPUNGE) "),
    ),
    Order(
        "a delivery is durable as sending before its final dot",
        re.compile(r'sendto\(.*"DATA\\r\\n"'),
        re.compile(r'sendto\([^"]*"\.\\r\\n"'),
    ),
    Order(
        "all is durable before a maildrop is told to remove it",
        re.compile(r'sendto\(.*"RETR '),
        re.compile(r'sendto\(.*"DELE '),
    ),
    Order(
        "a plan is durable before a file is moved in the Maildir",
        re.compile(r"linkat\(.*/tmp>.*/home/new>"),
        re.compile(r"\brename(?:at2?)?\(.*/home/(?:new|cur)[>/]"),
    ),
)


def passed(lines: Iterable[str]) -> set[str]:
    """The names of the orders that a recorded run came to."""
    return {
        order.name for line in lines for order in ORDERS if order.before.search(line)
    }


def offences(lines: Iterable[str]) -> Iterator[str]:
    """Each act of a recorded run that came before the journal of it was synced."""
    synced = dict.fromkeys(ORDERS, False)
    for line in lines:
        for order in ORDERS:
            if order.before.search(line) and not synced[order]:
                yield f"not so: {order.name}: {line[:160]}"
            if order.since.search(line):
                synced[order] = False
        if _SYNCED.search(line) and "= -1" not in line:
            synced = dict.fromkeys(ORDERS, True)
