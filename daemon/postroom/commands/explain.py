"""`postroom explain`: what the rules would do with a message, and why."""

from __future__ import annotations

import asyncio
import json as json_format
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from postroom.commands.control import telling_refusals
from postroom.commands.explanation import Explanation, show_explanation
from postroom.commands.outcome import Exit, make_console
from postroom.config.configuration import Configuration, load_configuration
from postroom.config.problems import nearest
from postroom.config.settings import find_settings
from postroom.errors import PermanentError
from postroom.log import configure_logging, printable, say
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.rules.plan import Plan
from postroom.service.clock import SystemClock
from postroom.service.control import WrongRequest
from postroom.service.explaining import explain

_STDIN = Path("-")
_SYSTEM_FLAGS = ("seen", "flagged", "answered", "draft", "deleted")


def main(
    config: Path | None,
    files: Sequence[Path],
    account: str | None,
    mailbox: str,
    flags: Sequence[str],
    json: bool,
) -> int:
    """Decide about saved messages, and print each plan with its trace."""
    configure_logging(sys.stderr, format="console", level="error")
    with telling_refusals():
        configuration = load_configuration(find_settings(config))
        name = _choose_account(configuration, account)
        key = MessageKey(name, mailbox, 0, 0)
        now = datetime.now(UTC)
        template = Message(key, 0, now, _read_flags(flags), Header.parse(b""))
        read = [*_read_messages(files, template)]
        explained = asyncio.run(_explain_all(configuration, read))
        _print(explained, json)
        return Exit.DONE if len(read) == len(files) else Exit.FAILED


async def _explain_all(
    configuration: Configuration, read: Sequence[tuple[Path, Message]]
) -> list[Explanation]:
    return [await _explain(configuration, file, message) for file, message in read]


async def _explain(
    configuration: Configuration, file: Path, message: Message
) -> Explanation:
    """The plan; for a message that would wait, what was decided before that."""
    outcome = await explain(configuration, message, SystemClock())
    if isinstance(outcome, Plan):
        return Explanation(file, message, outcome)
    return Explanation(file, message, Plan(trace=outcome.trace), waits=str(outcome))


def _choose_account(configuration: Configuration, wanted: str | None) -> str:
    accounts = configuration.settings.account
    if wanted is None:
        return next(iter(accounts))
    if wanted not in accounts:
        raise WrongRequest(f"--account: {nearest(wanted, accounts, 'account')}")
    return wanted


def _read_flags(flags: Sequence[str]) -> frozenset[str]:
    """`seen` is `\\Seen`; what is no flag of IMAP's own is a keyword."""
    plain = {flag: flag.lstrip("\\").lower() for flag in flags}
    return frozenset(
        f"\\{name.capitalize()}" if name in _SYSTEM_FLAGS else flag
        for flag, name in plain.items()
    )


def _read_messages(
    files: Sequence[Path], template: Message
) -> Iterator[tuple[Path, Message]]:
    """The messages that can be read; of others it is told why not."""
    for file in files:
        try:
            raw = _read(file)
        except PermanentError as error:
            say(printable(str(error)))
            continue
        header = Header.parse(raw)
        yield file, replace(template, size=len(raw), header=header, content=raw)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == _STDIN else file.read_bytes()
    except OSError as error:
        raise PermanentError(f"{file} can't be read: {error.strerror}") from error


def _print(explained: Sequence[Explanation], json: bool) -> None:
    if json:
        data = [each.data for each in explained]
        print(json_format.dumps(data, indent=2))
        return
    console = make_console()
    for number, each in enumerate(explained):
        if number:
            console.print()
        show_explanation(console, each, named=len(explained) > 1)
