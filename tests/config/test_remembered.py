"""A plugin that is gone after an upgrade holds its rules, and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import postroom_filing
from postroom import Condition, Message, RegisterCondition, hookimpl
from postroom.config.configuration import load_configuration
from postroom.errors import ConfigError
from postroom.hooks.plugins import Plugins
from tests.config.folder import SETTINGS, load_rules, write_rule

REMEMBERED = {"condition weekend": "acme", "action shout": "acme"}
RULES = write_rule("when.weekend = true") + write_rule(name="other")


class Weekend(Condition):
    """The message arrived on a Saturday or Sunday."""

    def holds(self, message: Message) -> bool:
        """True at weekends."""
        return message.received.weekday() >= 5


@hookimpl
def register_weekend(register: RegisterCondition) -> None:
    register("weekend", Weekend)


@hookimpl
def fail(register: RegisterCondition) -> None:
    register("weekend", Weekend)
    raise LookupError("no calendar")


def plugins(acme: object = None) -> Plugins:
    found: list[tuple[str, object]] = [("filing", postroom_filing)]
    return Plugins([*found, ("acme", acme)] if acme else found, spared=["acme"])


def test_a_rule_of_an_absent_plugin_says_what_it_lacks(tmp_path: Path) -> None:
    told = load_rules(tmp_path, RULES, plugins=plugins(), remembered=REMEMBERED)
    held, other = told.rules
    assert held.lacks == "condition weekend: plugin acme is not installed any more"
    assert other.lacks == ""
    (warning,) = told.warnings
    assert warning.rule == "it"
    assert warning.message == f"it lacks {held.lacks}; what comes to it waits"


def test_an_action_may_be_lacking_too_and_the_rest_is_read(tmp_path: Path) -> None:
    rule = write_rule(
        "when = { weekend = true, not.shout = 1 }",
        then="[{ shout = 'a', move = 'A' }]",
    ).replace("not.shout = 1", "not.weekend = true")
    told = load_rules(tmp_path, rule, plugins=plugins(), remembered=REMEMBERED)
    assert told.rules[0].lacks.split("; ") == [
        "condition weekend: plugin acme is not installed any more",
        "condition weekend: plugin acme is not installed any more",
        "action shout: plugin acme is not installed any more",
    ]
    assert [named.name for named in told.rules[0].then] == ["move"]


def test_without_memory_it_is_a_problem(tmp_path: Path) -> None:
    for remembered in ({}, {"action weekend": "acme"}):
        with pytest.raises(ConfigError, match="there is no condition 'weekend'"):
            load_rules(tmp_path, RULES, plugins=plugins(), remembered=remembered)


def test_what_else_is_wrong_with_the_rule_is_told_as_ever(tmp_path: Path) -> None:
    rule = write_rule("when = { weekend = true, sujet = 'a' }")
    with pytest.raises(ConfigError) as caught:
        load_rules(tmp_path, rule, plugins=plugins(), remembered=REMEMBERED)
    (problem,) = caught.value.problems
    assert problem.key == "when.sujet"


def test_a_plugin_that_fails_is_left_out_whole_and_named(tmp_path: Path) -> None:
    broken = SimpleNamespace(register_conditions=fail)
    loaded = plugins(broken)
    assert "weekend" not in loaded.conditions
    assert loaded.names == ("filing",)
    told = load_rules(tmp_path, RULES, plugins=loaded, remembered=REMEMBERED)
    failed = "acme: register_conditions: LookupError: no calendar (test_remembered.py:"
    lacks = told.rules[0].lacks
    assert lacks.startswith(f"condition weekend: plugin acme can't be used: {failed}")
    assert str(told.warnings[0]).startswith(f"plugin acme: {failed}")


def test_a_plugin_that_fails_is_a_problem_without_memory() -> None:
    with pytest.raises(ConfigError, match=r"plugin acme: .*no calendar"):
        Plugins([("acme", SimpleNamespace(register_conditions=fail))])


def test_a_plugin_may_have_dropped_a_condition(tmp_path: Path) -> None:
    told = load_rules(
        tmp_path, RULES, plugins=plugins(SimpleNamespace()), remembered=REMEMBERED
    )
    lacks = "condition weekend: plugin acme does not bring it any more"
    assert told.rules[0].lacks == lacks


def test_nothing_is_lacking_while_the_plugin_is_there(tmp_path: Path) -> None:
    module = SimpleNamespace(register_conditions=register_weekend)
    told = load_rules(tmp_path, RULES, plugins=plugins(module), remembered=REMEMBERED)
    assert [rule.lacks for rule in told.rules] == ["", ""]


def test_the_options_of_an_absent_plugin_may_stay_in_the_settings(
    tmp_path: Path,
) -> None:
    settings = f"{SETTINGS}[plugin.acme]\ncalendar = 'at'\n"
    absent = plugins()
    load_rules(
        tmp_path, RULES, plugins=absent, remembered=REMEMBERED, settings=settings
    )
    with pytest.raises(ConfigError, match="there is no plugin 'acme'"):
        load_rules(tmp_path, write_rule(), plugins=absent, settings=settings)


def test_a_file_that_can_not_be_run_any_more_holds_its_rules(tmp_path: Path) -> None:
    """As `run` reads them: the plugin is looked for in the folder."""
    load_rules(tmp_path, write_rule())
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "acme.py").write_text("import no_such_module\n")
    (tmp_path / "rules.d" / "two.toml").write_text(RULES.replace('"it"', '"two"'))
    (tmp_path / "rules.d" / "one.toml").unlink()
    path = tmp_path / "postroom.toml"
    told = load_configuration(path, remembered=REMEMBERED)
    assert "plugin acme can't be used" in told.rules[0].lacks
    assert "No module named 'no_such_module'" in str(told.warnings[0])
    with pytest.raises(ConfigError) as caught:
        load_configuration(path)
    assert "No module named 'no_such_module'" in str(caught.value)
