"""Rule files: what is wrong is told with file, rule, key and the nearest known name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from postroom.config.rulefiles import read_rule_files
from postroom.errors import ConfigError
from postroom.hooks.discovery import discover_plugins
from postroom.rules.logic import All
from tests.builders import read_rules


def complaints(folder: Path, keys: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_rules(folder, f'[[rule]]\nname = "it"\n{keys}\n')
    prefix = f"{folder}/rules.toml: rule 'it': "
    return [str(problem).removeprefix(prefix) for problem in caught.value.problems]


THEN = "then = [{ flag = true }]"


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ("", "then: it is required"),
        ("then = []", "then: expected at least one"),
        ("then = [{}]", "then[1]: expected an action"),
        ("then = 'move'", "then: expected a list of tables, such as [{ move ="),
        ("then = ['flag']", "then[1]: expected a table such as { flag = true }"),
        ("then = { flag = true }", "then: expected a list of tables, such as [{"),
        ("then = [{ archive = '/A' }]", "then[1].archive: a path below the archive"),
        (f"{THEN}\nwhen = 'x'", "when: expected a table such as { subject ="),
        (f"{THEN}\nwhen.header = 'X: y'", "when.header: expected a table such as { X-"),
        (f"{THEN}\nmailboxes = 'A'", 'mailboxes: expected a list such as ["INBOX"]'),
        (f"{THEN}\nstp = true", "stp: there is no key 'stp'; did you mean 'stop'?"),
        (f"{THEN}\nstop = 1", "stop: expected true or false"),
        (f"{THEN}\naccounts = ['hme']", "accounts: there is no account 'hme'; did you"),
        (f"{THEN}\non = 'departure'", "on: expected 'arrival'"),
        ("then = [{ mve = 'A' }]", "then[1].mve: there is no action 'mve'; did you"),
        ("then = [{ move = 'A//B' }]", "then[1].move: a part between the slashes"),
        ("then = [{ move = { to = 'A' } }]", "then[1].move.to: there is no key 'to'"),
        ("then = [{ flag = 'red' }]", "then[1].flag: it has no options: the only"),
        ("then = [{ mark = 'red' }]", 'then[1].mark: expected "read" or "unread"'),
        ("then = [{ forward = 'x y' }]", "then[1].forward[1]: expected an address"),
        (f"{THEN}\nwhen.sujet = 'a'", "when.sujet: there is no condition 'sujet'; did"),
        (f"{THEN}\nwhen.subject = 3", "when.subject[1]: expected a text or a table"),
        (f"{THEN}\nwhen.subject = '/(/'", "when.subject[1]: RE2 can't read it"),
        (f"{THEN}\nwhen.subject = []", "when.subject: expected at least one"),
        (f"{THEN}\nwhen.size = 'big'", "when.size: expected a number of octets"),
        (f"{THEN}\nwhen.any = 'a'", "when.any: expected a list of conditions"),
        (f"{THEN}\nwhen.any = []", "when.any: expected a list of conditions"),
        (f"{THEN}\nwhen.any = ['a']", "when.any[1]: expected a table of conditions"),
        (
            f"{THEN}\nwhen.all = [{{ b = 1 }}]",
            "when.all[1].b: there is no condition 'b'",
        ),
        (f"{THEN}\nwhen.any = [{{}}]", "when.any[1]: expected a condition"),
        (f"{THEN}\nwhen.all = [{{}}]", "when.all[1]: expected a condition"),
        (f"{THEN}\nwhen.not = {{}}", "when.not: expected a condition"),
        (f"{THEN}\nwhen.not = [{{}}]", "when.not[1]: expected a condition"),
        (f"{THEN}\nwhen.cc = [3]", "when.cc[1]: expected a text"),
        (f"{THEN}\nwhen.header.X-A = [3]", "when.header.X-A[1]: expected a text"),
        ("then = [{ delete = false }]", 'then[1].delete: expected true or "forever"'),
        (
            f"{THEN}\nsubject = 'a'",
            "subject: there is no key 'subject'; did you mean when.subject?",
        ),
        (
            f"{THEN}\nany = []",
            "any: there is no key 'any'; did you mean when.any?",
        ),
        (
            f"{THEN}\nmove = 'a'",
            "move: there is no key 'move'; did you mean then = [{ move = … }]?",
        ),
        (
            f"{THEN}\nflag = true",
            "flag: there is no key 'flag'; did you mean when.flag or then = [{ flag",
        ),
        (f"{THEN}\naccounts = []", "accounts: expected at least one"),
        (f"{THEN}\nmailboxes = []", "mailboxes: expected at least one"),
        (f"{THEN}\nwhen.not = 'a'", "when.not: expected a table of conditions"),
        (f"{THEN}\nwhen = 'a'", "when: expected a table"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(
    tmp_path: Path, keys: str, complaint: str
) -> None:
    told = complaints(tmp_path, keys)
    assert any(line.startswith(complaint) for line in told), told


def test_not_with_several_keys_is_refused_with_both_readings(tmp_path: Path) -> None:
    (told,) = complaints(tmp_path, f'{THEN}\nwhen.not = {{ to = "a", from = "b" }}')
    assert "not = [{ to = … }, { from = … }]" in told
    assert "not = [{ to = …, from = … }]" in told


def test_everything_wrong_with_a_rule_is_told_at_once(tmp_path: Path) -> None:
    told = complaints(tmp_path, "stp = 1\nwhen.sujet = 'a'\nthen = [{ mve = 'A' }]")
    assert len(told) == 3


def test_a_name_is_taken_once_in_all_files(tmp_path: Path) -> None:
    rule = f'[[rule]]\nname = "it"\n{THEN}\n'
    with pytest.raises(
        ConfigError, match=r"name: the name is taken by a rule of .*rules"
    ):
        read_rules(tmp_path, rule + rule)


def test_a_name_is_taken_by_a_rule_that_can_not_be_read_as_well(tmp_path: Path) -> None:
    right = f'[[rule]]\nname = "it"\n{THEN}\n'
    wrong = '[[rule]]\nname = "it"\n'
    for rules in (right + wrong, wrong + right):
        with pytest.raises(ConfigError) as caught:
            read_rules(tmp_path, rules)
        told = {problem.message for problem in caught.value.problems}
        assert "it is required" in told
        assert f"the name is taken by a rule of {tmp_path}/rules.toml" in told


@pytest.mark.parametrize("name", [" ", "a\\nb", "a\\u2028b", "\\t"])
def test_a_name_is_one_line_and_not_blank(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="name: expected"):
        read_rules(tmp_path, f'[[rule]]\nname = "{name}"\n{THEN}')


def test_a_when_that_is_empty_is_every_message(tmp_path: Path) -> None:
    (rule,) = read_rules(tmp_path, f'[[rule]]\nname = "a"\n{THEN}\nwhen = {{}}')
    assert rule.when == All(())


def test_a_rule_without_a_name_is_told_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rule 1 \(without a name\): name: it"):
        read_rules(tmp_path, f"[[rule]]\n{THEN}")


def test_other_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="there is no key 'rules'; did you mean 'rule'"
    ):
        read_rules(tmp_path, f'[[rules]]\nname = "it"\n{THEN}')
    with pytest.raises(ConfigError, match="two brackets"):
        read_rules(tmp_path, f'[rule]\nname = "it"\n{THEN}')


def test_nesting_has_an_end(tmp_path: Path) -> None:
    deep = "{ not = " * 40 + "{ from = 'a' }" + " }" * 40
    told = complaints(tmp_path, f"{THEN}\nwhen = {deep}")
    assert "nested more than 30 deep" in told[0]


def test_a_folder_that_can_not_be_read_is_a_problem(tmp_path: Path) -> None:
    """It is not taken for one without rules."""
    folder = tmp_path / "rules.d"
    folder.touch()
    files = read_rule_files(folder, discover_plugins(), {"home"})
    (problem,) = files.problems
    assert str(problem) == f"{folder}: can't be read: Not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_of_someone_else_is_a_problem(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    files = read_rule_files(tmp_path, discover_plugins(), {"home"})
    tmp_path.chmod(0o700)
    assert [problem.message for problem in files.problems] == [
        "can't be read: Permission denied"
    ]


def test_inbox_is_written_in_any_case(tmp_path: Path) -> None:
    toml = f'[[rule]]\nname = "it"\n{THEN}\nmailboxes = ["inbox", "Inbox/a"]\n'
    (rule,) = read_rules(tmp_path, toml)
    assert rule.mailboxes == ("INBOX", "INBOX/a")


def test_files_run_in_the_order_of_their_names(tmp_path: Path) -> None:
    for number in ("20", "10", "30"):
        text = f'[[rule]]\nname = "r{number}"\n{THEN}\n'
        (tmp_path / f"{number}.toml").write_text(text)
    rules = read_rules(tmp_path, "")
    assert [rule.name for rule in rules] == ["r10", "r20", "r30"]


def test_rules_that_everybody_may_write_are_not_read(tmp_path: Path) -> None:
    """Who writes them can have mail sent anywhere."""
    rule = '[[rule]]\nname = "x"\nthen = [{ flag = true }]\n'
    assert read_rules(tmp_path, rule)
    (tmp_path / "rules.toml").chmod(0o666)
    files = read_rule_files(tmp_path, discover_plugins(), {"home"})
    (problem,) = files.problems
    assert "everybody may write to it" in problem.message
    assert files.rules == ()


def test_what_is_most_likely_a_rule_file_and_is_not_read_is_told(
    tmp_path: Path,
) -> None:
    read_rules(tmp_path, '[[rule]]\nname = "x"\nthen = [{ flag = true }]\n')
    for name in ("b.tml", "c.toml.off", "README.md", "d.toml~", ".e.swp"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    files = read_rule_files(tmp_path, discover_plugins(), {"home"})
    assert [path.name for path in files.passed_over] == ["b.tml", "c.toml.off", "more"]
