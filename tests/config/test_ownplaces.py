"""Folders that are postroom's own, and rules that would save there."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.config.configuration import load_configuration
from postroom.config.ownplaces import OwnPlaces
from postroom.errors import ConfigError
from tests.config.folder import warnings, write_rule

_SETTINGS = """
[postroom]
state = "{home}/state"

[account.home]
address = "me@example.org"
imap = {{ host = "imap.example.org" }}
password = "file:{home}/word"
"""


def problems(home: Path, action: str) -> list[str]:
    """What is wrong with a rule that does this."""
    (home / "rules.d").mkdir()
    (home / "word").touch(mode=0o600)
    (home / "word").write_text("secret")
    settings = home / "postroom.toml"
    settings.write_text(_SETTINGS.format(home=home))
    rule = f'[[rule]]\nname = "it"\nthen = [ {{ save = {action} }} ]\n'
    (home / "rules.d" / "a.toml").write_text(rule.replace("HOME", str(home)))
    try:
        load_configuration(settings)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "action",
    [
        '{ attachments = true, to = "HOME/plugins" }',
        '{ attachments = true, to = "HOME/plugins/{from.domain}" }',
        '{ message = true, to = "HOME/rules.d/x" }',
        '{ attachments = true, to = "HOME/state/maildir/isp/new" }',
        '{ maildir = "HOME/state" }',
        '{ attachments = true, to = "HOME" }',
        '{ maildir = "HOME" }',
    ],
)
def test_nothing_is_saved_among_what_is_postrooms_own(
    tmp_path: Path, action: str
) -> None:
    (problem,) = problems(tmp_path, action)
    assert "is postroom's own" in problem
    assert "rule 'it'" in problem


@pytest.mark.parametrize(
    "action",
    [
        '{ attachments = true, to = "HOME/saved/{from.domain}" }',
        '{ maildir = "HOME/state/maildir/archive" }',
        '{ maildir = "HOME/archive" }',
    ],
)
def test_elsewhere_it_is_saved(tmp_path: Path, action: str) -> None:
    assert problems(tmp_path, action) == []


def test_a_link_hides_no_folder(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "plugins")
    own = OwnPlaces((tmp_path / "plugins",), beside=tmp_path)
    assert own.holding(tmp_path / "link" / "x") == tmp_path / "plugins"
    assert own.holding(tmp_path / "other" / "x") is None
    assert own.holding(tmp_path / "rules.d") == tmp_path


def test_a_folder_that_rules_save_in_is_told_for_the_unit(tmp_path: Path) -> None:
    """Once, and only where a rule is in use."""
    save = f'{{ save = {{ message = true, to = "{tmp_path}/saved" }} }}'
    text = write_rule(then=f"[{save}]") + write_rule(then=f"[{save}]", name="b")
    (told,) = warnings(tmp_path, text)
    assert told.startswith(f"rule 'it': then: save: {tmp_path}/saved is outside of the")
    assert f"ReadWritePaths={tmp_path}/saved," in told
    assert warnings(tmp_path, write_rule("enabled = false", then=f"[{save}]")) == []
    inside = '[{ save = { maildir = "/var/lib/postroom/maildir/archive" } }]'
    assert warnings(tmp_path, write_rule(then=inside)) == []


def test_whoever_has_no_unit_is_not_told_of_it(tmp_path: Path) -> None:
    assert problems(tmp_path, '{ message = true, to = "HOME/saved" }') == []
    assert load_configuration(tmp_path / "postroom.toml").warnings == ()
