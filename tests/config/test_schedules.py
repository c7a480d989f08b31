"""`on`: read with everything else; what is scheduled is not taken for what arrives."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postroom.errors import ConfigError
from postroom.rules.schedule import Schedule
from tests.config.folder import load_rules, warnings, write_rule

WHERE = 'mailboxes = ["Trash"]\n'


@pytest.mark.parametrize(
    ("on", "schedule"),
    [
        ('"arrival"', None),
        ('{ every = "1h" }', Schedule(every=timedelta(hours=1))),
        ('{ cron = "0 3 * * mon" }', Schedule(cron="0 3 * * mon")),
    ],
)
def test_a_rule_runs_on_arrival_or_by_a_schedule(
    tmp_path: Path, on: str, schedule: Schedule | None
) -> None:
    keys = f"on = {on}\n" + (WHERE if schedule else "")
    (rule,) = load_rules(tmp_path, write_rule(keys)).rules
    assert rule.on == schedule
    assert rule.concerns("home", "Trash" if schedule else "INBOX") == (schedule is None)


def test_without_the_key_it_is_arrival(tmp_path: Path) -> None:
    (rule,) = load_rules(tmp_path, write_rule()).rules
    assert rule.on is None


@pytest.mark.parametrize(
    ("on", "complaint"),
    [
        ("true", "on: expected 'arrival', { every"),
        ("{}", "on: expected either every, such as"),
        ('{ every = "1h", cron = "0 3 * * *" }', "on: expected either every"),
        ('{ every = "30s" }', "on.every: expected at least a minute"),
        ('{ every = "often" }', "on.every: expected a time such as"),
        ('{ cron = "0 3 * * 1" }', "on.cron: day of the week: expected names"),
        ("{ cron = 5 }", "on.cron: expected a text in quotes"),
        ('{ evry = "1h" }', "on.evry: there is no key 'evry'; did you mean 'every'?"),
    ],
)
def test_a_wrong_schedule_is_told_with_its_key(
    tmp_path: Path, on: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules(tmp_path, write_rule(f"on = {on}\n{WHERE}"))
    assert f"rule 'it': {complaint}" in str(caught.value)


def test_a_schedule_needs_mailboxes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules(tmp_path, write_rule('on = { every = "1h" }'))
    (problem,) = caught.value.problems
    assert problem.key == "mailboxes"
    assert problem.message.startswith("it is required with a schedule")


def test_what_is_not_run_yet_is_told(tmp_path: Path) -> None:
    rules = write_rule(f'on = {{ every = "1d" }}\n{WHERE}') + write_rule(name="b")
    assert warnings(tmp_path, rules) == [
        "rule 'it': on: it is not run yet: this version acts on arrival only"
    ]
