"""`postroom explain`: what the rules would do with a message, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.config.configuration import Configuration, load_configuration
from postroom.config.problems import nearest
from postroom.config.settings import find_settings
from postroom.errors import ConfigError, PermanentError, Problem
from postroom.log import printable
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.rules.decide import Circumstances, NeedsBody, decide, tell
from postroom.rules.plan import Plan, RuleTrace
from postroom.rules.rule import Rule


def main(config: Path | None, file: Path, account: str | None, mailbox: str) -> int:
    """Decide about a saved message, and print the plan with its trace."""
    console = make_console()
    with telling_errors():
        configuration = load_configuration(find_settings(config))
        name = _choose_account(configuration, account)
        message = _read_message(file, name, mailbox)
        owner = configuration.owner(name)
        circumstances = Circumstances(owner, datetime.now(UTC))
        plan = _decide(configuration.rules, message, circumstances)
        _show(console, message, plan)
        return Exit.DONE


def _decide(
    rules: Sequence[Rule], message: Message, circumstances: Circumstances
) -> Plan:
    """As the daemon does: by the headers, and by the body only if it must be."""
    try:
        headers = replace(message, content=None)
        return decide(rules, headers, circumstances)
    except NeedsBody:
        return decide(rules, message, circumstances)


def _choose_account(configuration: Configuration, wanted: str | None) -> str:
    accounts = configuration.settings.account
    if wanted is None:
        return next(iter(accounts))
    if wanted not in accounts:
        problem = Problem("--account", nearest(wanted, accounts, "account"))
        raise ConfigError([problem])
    return wanted


def _read_message(file: Path, account: str, mailbox: str) -> Message:
    try:
        raw = file.read_bytes()
        received = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError as error:
        raise PermanentError(f"{file} can't be read: {error.strerror}") from error
    key = MessageKey(account, mailbox, 0, 0)
    return Message(key, len(raw), received, frozenset(), Header.parse(raw), raw)


def _show(console: Console, message: Message, plan: Plan) -> None:
    console.print(f"[bold]{escape(printable(message.subject) or '(no subject)')}[/]")
    if message.header.cut:
        console.print(f"[yellow]{escape(message.header.cut)}; the rest was not read[/]")
    for entry in plan.trace:
        _show_rule(console, entry)
    effects = [tell(planned.effect) for planned in plan.effects]
    result = "; ".join(effects) or f"nothing: it stays in {message.key.mailbox}"
    console.print(f"\n[bold]would be done[/]  {escape(result)}")


def _show_rule(console: Console, entry: RuleTrace) -> None:
    mark = "[green]yes[/]" if entry.matched else "[dim]no [/]"
    console.print(f"\n{mark} [bold]{escape(entry.rule)}[/]")
    for asked in entry.conditions:
        answer = "[green]holds[/]" if asked.holds else "[red]fails[/]"
        seen = f"  [dim]saw {escape(printable(asked.seen))}[/]" if asked.seen else ""
        console.print(f"      {answer}  {escape(asked.condition)}{seen}")
    for told in entry.effects:
        console.print(f"      [cyan]{escape(told)}[/]")
    if entry.note:
        console.print(f"      [dim]{escape(entry.note)}[/]")
