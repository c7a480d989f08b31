"""Messages, rules and plugins for tests, made with as few words as possible."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

from postroom.config.rulefiles import read_rule_files
from postroom.errors import ConfigError
from postroom.hooks.discovery import discover_plugins
from postroom.hooks.plugins import Plugins
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.mail.owner import Owner
from postroom.rules.decide import Circumstances, decide
from postroom.rules.plan import Plan
from postroom.rules.rule import Rule

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
OWNER = Owner("home", "me@ours.example", "Me")
CIRCUMSTANCES = Circumstances(OWNER, NOW)


def make_raw(body: str | bytes = "Hello.\r\n", **fields: str) -> bytes:
    """A message's octets; `reply_to=` makes a Reply-To field."""
    given = {
        "from": "ann@example.org",
        "to": OWNER.address,
        "subject": "Hello",
        **fields,
    }
    lines = [
        f"{name.replace('_', '-').title()}: {text}\r\n" for name, text in given.items()
    ]
    octets = body if isinstance(body, bytes) else body.encode()
    return "".join(lines).encode() + b"\r\n" + octets


def make_message(
    raw: bytes | None = None,
    *,
    uid: int = 1,
    mailbox: str = "INBOX",
    full: bool = True,
    size: int | None = None,
    **fields: str,
) -> Message:
    """A message, at depth full unless told otherwise."""
    raw = make_raw(**fields) if raw is None else raw
    return Message(
        key=MessageKey("home", mailbox, 7, uid),
        size=len(raw) if size is None else size,
        received=NOW,
        flags=frozenset(),
        header=Header.parse(raw),
        content=raw if full else None,
    )


def read_rules(
    folder: Path, toml: str, plugins: Plugins | None = None
) -> tuple[Rule, ...]:
    """The rules of one rule file; raises `ConfigError`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.toml").write_text(toml)
    files = read_rule_files(folder, plugins or discover_plugins(), {"home", "work"})
    if files.problems:
        raise ConfigError(files.problems)
    return files.rules


def plan_for(
    folder: Path, when: str, message: Message, then: str = "flag = true"
) -> Plan:
    """The plan of a single rule with these inline tables."""
    tomllib.loads(f"when = {{ {when} }}")
    toml = f'[[rule]]\nname = "it"\nwhen = {{ {when} }}\nthen = [ {{ {then} }} ]\n'
    return decide(read_rules(folder, toml), message, CIRCUMSTANCES)
