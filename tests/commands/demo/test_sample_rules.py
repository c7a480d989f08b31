"""The sample rules and their manual, read as `postroom` reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postroom.commands.demo.samples import ALIASES, OWNER, SAMPLES, Sample
from postroom.commands.shipped import find_sample_rules
from postroom.config.advice import advise
from postroom.config.rulefiles import RuleFiles, read_rule_files
from postroom.config.settings import Settings
from postroom.hooks.discovery import discover_plugins
from postroom.mail.header import Header
from postroom.mail.message import Message, MessageKey
from postroom.mail.owner import Owner
from postroom.rules.decide import Circumstances, decide
from postroom.rules.effects import Delete, FileInto, Send, SetFlags

MANUAL = (find_sample_rules() / "README.md").read_text(encoding="utf-8")


def read_rules(folder: Path) -> RuleFiles:
    """The rules of a folder with the bundled plugins."""
    return read_rule_files(folder, discover_plugins(), {"home", "isp"})


def message_of(sample: Sample) -> Message:
    """The sample as it would lie in INBOX."""
    key = MessageKey(sample.account, "INBOX", 1, 1)
    now = datetime(2026, 1, 5, tzinfo=UTC)
    header = Header.parse(sample.raw)
    return Message(key, len(sample.raw), now, frozenset(), header, sample.raw)


def test_the_sample_rules_have_no_problems() -> None:
    """Someone who copies them has a postroom that starts."""
    files = read_rules(find_sample_rules())
    assert files.problems == ()
    assert len(files.rules) >= 12


def test_check_warns_of_none_of_the_sample_rules() -> None:
    """Nobody is told to look again at what was given to him."""
    table = {"address": OWNER, "imap": {"host": "imap.example.org"}}
    settings = Settings.model_validate(
        {"postroom": {"state": "/nowhere"}, "account": {"home": table}}
    )
    assert [*advise(read_rules(find_sample_rules()).rules, settings)] == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_rules_want_what_the_sample_says(sample: Sample) -> None:
    """Mailbox, flags and recipients, decided without any server."""
    owner = Owner(sample.account, OWNER, aliases=ALIASES)
    circumstances = Circumstances(owner, datetime(2026, 1, 5, tzinfo=UTC))
    rules = read_rules(find_sample_rules()).rules
    plan = decide(rules, message_of(sample), circumstances)
    mailbox, flags = "INBOX", frozenset[str]()
    sent_on_to: tuple[str, ...] = ()
    answered_to: tuple[str, ...] = ()
    for planned in plan.effects:
        match planned.effect:
            case FileInto(target):
                mailbox = target
            case Delete(forever=False):
                mailbox = "Trash"
            case SetFlags(add):
                flags |= add
            case Send(outgoing, None):
                sent_on_to += outgoing.envelope.recipients
            case Send(outgoing):
                answered_to += outgoing.envelope.recipients
            case other:
                pytest.fail(f"nobody expects {other}")
    assert (mailbox, flags) == (sample.mailbox, sample.flags)
    assert (sent_on_to, answered_to) == (sample.sent_on_to, sample.answered_to)


def test_every_block_of_the_manual_is_a_rule_file(tmp_path: Path) -> None:
    """What is printed there can be copied."""
    blocks = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    assert len(blocks) >= 2
    for number, block in enumerate(blocks):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "10-block.toml").write_text(block, encoding="utf-8")
        files = read_rules(folder)
        assert files.problems == ()
        assert files.rules


def test_the_manual_tells_of_every_condition_and_action() -> None:
    """And of no other."""
    plugins = discover_plugins()
    first_cells = re.findall(r"^\| ((?:`[a-z_]+` )+)\|", MANUAL, re.MULTILINE)
    told = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    keys = {"name", "then", "when", "stop", "accounts", "mailboxes", "on", "enabled"}
    combined = {"any", "all", "not"}
    assert (
        told - keys - combined == set(plugins.conditions) | set(plugins.actions) - keys
    )


def test_the_manual_tells_of_every_sample_file() -> None:
    """And of none that is not there."""
    told = re.findall(r"^\| `(\S+\.toml)` \|", MANUAL, re.MULTILINE)
    assert told == sorted(path.name for path in find_sample_rules().glob("*.toml"))
