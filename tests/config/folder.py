"""A folder with settings and rules, read as `check` and `run` read it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from postroom.config.configuration import Configuration, load_configuration
from postroom.hooks.plugins import Plugins

SETTINGS = """
[postroom]
state = "/var/lib/postroom"

[account.home]
address = "me@ours.example"
imap = { host = "imap.ours.example" }
smtp = { host = "smtp.ours.example" }
password = "command:echo hunter2hunter2"
watch = ["INBOX", "Lists"]

[account.work]
address = "me@work.example"
imap = { host = "imap.work.example" }
password = "command:echo hunter2hunter2"
"""


def load_rules(
    folder: Path,
    rules: str,
    *,
    plugins: Plugins | None = None,
    remembered: Mapping[str, str] | None = None,
    settings: str = SETTINGS,
) -> Configuration:
    """The configuration with these rules; raises `ConfigError`."""
    (folder / "rules.d").mkdir(exist_ok=True)
    (folder / "postroom.toml").write_text(settings)
    (folder / "rules.d" / "one.toml").write_text(rules)
    discover = (lambda: plugins) if plugins else None
    return load_configuration(folder / "postroom.toml", discover, remembered or {})


def write_rule(
    keys: str = "", name: str = "it", then: str = "[{ flag = true }]"
) -> str:
    """One rule with these keys."""
    return f'[[rule]]\nname = "{name}"\n{keys}\nthen = {then}\n'


def warnings(folder: Path, rules: str) -> list[str]:
    """What is told of the rules, without the name of their file."""
    told = load_rules(folder, rules).warnings
    return [str(each).removeprefix(f"{folder}/rules.d/one.toml: ") for each in told]
