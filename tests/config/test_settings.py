"""Settings: every problem at once, each with its key; no secret is ever repeated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

import postroom_filing
from postroom import Rule, hookimpl
from postroom.config.configuration import Configuration, load_configuration
from postroom.config.settings import SmtpServer, find_settings
from postroom.errors import ConfigError, Problem
from postroom.hooks.plugins import Plugins

GOOD = """
[postroom]
state = "/var/lib/postroom"

[account.home]
address = "me@ours.example"
imap = { host = "imap.ours.example" }
smtp = { host = "smtp.ours.example" }
password = "env:HOME_PASSWORD"
"""


OTHER = """
[account.isp]
address = "me@isp.example"
imap = { host = "imap.isp.example" }
smtp = { account = "home" }
password = "env:HOME_PASSWORD"
"""


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME_PASSWORD", "hunter2hunter2")


def load(folder: Path, settings: str, **rules: str) -> Configuration:
    (folder / "rules.d").mkdir(exist_ok=True)
    (folder / "postroom.toml").write_text(settings)
    for name, text in rules.items():
        (folder / "rules.d" / f"{name}.toml").write_text(text)
    return load_configuration(folder / "postroom.toml")


def complaints(folder: Path, settings: str, **rules: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, settings, **rules)
    prefix = f"{folder}/"
    return [str(problem).removeprefix(prefix) for problem in caught.value.problems]


def test_the_defaults_are_safe(tmp_path: Path) -> None:
    account = load(tmp_path, GOOD).settings.account["home"]
    assert (account.server.reached_port, account.server.tls) == (993, "implicit")
    assert isinstance(account.smtp, SmtpServer)
    assert (account.smtp.reached_port, account.smtp.tls) == (465, "implicit")
    assert account.adopts
    assert account.watch == ("INBOX",)
    assert account.poll == timedelta(minutes=5)


def test_starttls_has_its_own_ports(tmp_path: Path) -> None:
    settings = GOOD.replace('ours.example" }', 'ours.example", tls = "starttls" }')
    account = load(tmp_path, settings).settings.account["home"]
    assert isinstance(account.smtp, SmtpServer)
    assert (account.server.reached_port, account.smtp.reached_port) == (143, 587)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("state =", "stat =", "postroom.state: it is required"),
        ("state =", "stat =", "did you mean 'state'?"),
        ('"/var/lib/postroom"', '"relative"', "expected a path from the root"),
        ('host = "imap', 'hots = "imap', "account.home.imap.hots: there is no key"),
        ('host = "smtp', 'hots = "smtp', "account.home.smtp.host: it is required"),
        ('imap.ours.example"', 'imap.ours.example", tls = "none"', "this machine"),
        ('imap.ours.example"', 'imap.ours.example", port = 0', "imap.port"),
        ("imap.ours.example", "imap ours", "expected a host name"),
        ("imap.ours.example", "imap..ours.example", "expected a host name"),
        ("imap.ours.example", ".ours.example", "expected a host name"),
        ("imap.ours.example", "ours.example.", "expected a host name"),
        ("imap.ours.example", "a" * 64 + ".example", "expected a host name"),
        ("imap.ours.example", "ours.example:993", "expected a host name"),
        ("me@ours.example", "me at home", "expected an address"),
        ("env:HOME_PASSWORD", "env:NO_SUCH", "the environment has no NO_SUCH"),
        ("[account.home]", '[account.home]\npoll = "5"', "expected a time such as"),
        ("[account.home]", "[account.home]\nwatch = []", "expected at least one"),
        (
            "[account.home]",
            '[account.home]\nwatch = ["inbox", "A", "Inbox"]',
            "account.home.watch: 'INBOX' is named more than once",
        ),
        ("[account.home]", '[account.home]\nexisting = "x"', '"leave" or "process"'),
        ("[account.home]", '[account."a b"]', "expected letters, digits"),
        ("[account.home]", "[account.home]\naliases = ['x']", "expected an address"),
        (
            "[account.home]",
            "[account.home]\naliases = ['a@b.example', 'a@b.example']",
            "'a@b.example' is named more than once",
        ),
        ("[postroom]", "[postroom]\nhold = 1", "hold: expected true or false"),
        ("[account.home]", "[acount.home]", "did you mean 'account'?"),
        ('host = "smtp.ours.example"', 'account = "hme"', "did you mean 'home'?"),
        ('host = "smtp.ours.example"', 'account = "home"', "no smtp of its own"),
        ("password =", "#", "account.home.password: it is required"),
        (
            'imap.ours.example" }',
            'imap.ours.example", ca = "/no/such.pem" }',
            "account.home.imap.ca: /no/such.pem can't be read: No such file",
        ),
        (
            'smtp.ours.example" }',
            'smtp.ours.example", ca = "/dev/null" }',
            "account.home.smtp.ca: /dev/null has no certificate in it",
        ),
        ("[postroom]", "[plugin.filtre]\n[postroom]", "did you mean 'filter'?"),
        ("[postroom]", "[postroom", "it is no TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    assert before in GOOD
    told = complaints(tmp_path, GOOD.replace(before, after, 1))
    assert any(complaint in line for line in told), told
    assert all(line.startswith("postroom.toml: ") for line in told)


@pytest.mark.parametrize(
    ("key", "example"),
    [("smtp", '{ host = "smtp.example.org" }'), ("imap", '{ host = "imap.')],
)
def test_a_server_that_is_no_table_is_told_once(
    tmp_path: Path, key: str, example: str
) -> None:
    right = f'{key} = {{ host = "{key}.ours.example" }}'
    assert right in GOOD
    (told,) = complaints(tmp_path, GOOD.replace(right, f'{key} = "a.example"'))
    place = f"postroom.toml: account.home.{key}: expected a table such as "
    assert told.startswith(place + example)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "a-b_c.example"])
def test_a_host_is_a_name_or_an_address(tmp_path: Path, host: str) -> None:
    settings = load(tmp_path, GOOD.replace("imap.ours.example", host)).settings
    assert settings.account["home"].server.host == host


def test_inbox_is_written_in_any_case(tmp_path: Path) -> None:
    settings = GOOD + 'watch = ["inbox", "Lists"]\n'
    rule = '[[rule]]\nname = "a"\nmailboxes = ["Inbox"]\nthen = [{ flag = true }]\n'
    configuration = load(tmp_path, settings, one=rule)
    assert configuration.settings.account["home"].watch == ("INBOX", "Lists")
    assert configuration.rules[0].concerns("home", "INBOX")


def test_accents_are_written_in_either_form(tmp_path: Path) -> None:
    settings = GOOD + 'watch = ["Cafe\u0301"]\n'
    rule = '[[rule]]\nname = "a"\nmailboxes = ["Caf\u00e9"]\nthen = [{ flag = true }]\n'
    configuration = load(tmp_path, settings, one=rule)
    assert configuration.settings.account["home"].watch == ("Caf\u00e9",)
    twice = GOOD + 'watch = ["Cafe\u0301", "Caf\u00e9"]\n'
    assert "is named more than once" in complaints(tmp_path, twice)[0]


def test_only_its_own_letters_name_inbox(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD + 'watch = ["\u0131nbox", "inbox"]\n').settings
    assert settings.account["home"].watch == ("\u0131nbox", "INBOX")


def test_a_rule_is_for_mailboxes_that_are_watched(tmp_path: Path) -> None:
    rule = (
        '[[rule]]\nname = "{name}"\nmailboxes = ["{mailbox}"]\n'
        "{accounts}\nthen = [{{ flag = true }}]\n"
    )
    settings = GOOD + 'watch = ["INBOX", "Lists"]\n' + OTHER
    rules = "".join(
        [
            rule.format(name="all", mailbox="Lists", accounts=""),
            rule.format(name="ours", mailbox="Lists", accounts="accounts = ['home']"),
            rule.format(name="slip", mailbox="List", accounts=""),
            rule.format(name="other", mailbox="Lists", accounts="accounts = ['isp']"),
        ]
    )
    first, second = complaints(tmp_path, settings, one=rules)
    assert first.endswith(
        "rule 'slip': mailboxes: there is no watched mailbox 'List'; "
        "did you mean 'Lists'?"
    )
    assert second.endswith(
        "rule 'other': mailboxes: there is no watched mailbox 'Lists'; there are: INBOX"
    )


def test_an_absent_folder_of_rules_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "postroom.toml"
    path.write_text(GOOD)
    (warning,) = load_configuration(path).warnings
    assert warning.message == f"there are no rules: {tmp_path}/rules.d is not there"


def test_an_empty_folder_of_rules_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).warnings == ()


def test_a_server_that_wants_a_login_needs_a_password(tmp_path: Path) -> None:
    """Its own, or that of its account; a relay without a login needs none."""
    settings = GOOD.replace("password =", "#").replace(
        'imap.ours.example"', 'imap.ours.example", password = "env:HOME_PASSWORD"'
    )
    (told,) = complaints(tmp_path, settings)
    assert "account.home.smtp.password: it is required" in told
    server = 'smtp.ours.example"'
    for more in ("auth = false", 'password = "env:HOME_PASSWORD"'):
        assert load(tmp_path, settings.replace(server, f"{server}, {more}")).rules == ()


def providing(*rules: Rule) -> Callable[[], Plugins]:
    """Plugins of which one, acme, brings these rules."""
    module = SimpleNamespace(provide_rules=hookimpl(lambda: iter(rules)))
    return lambda: Plugins([("filing", postroom_filing), ("acme", module)])


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (Rule("a"), "name: the name is taken by a rule of {folder}/rules.d/one.toml"),
        (Rule("b", accounts=("hme",)), "accounts: there is no account 'hme'; did you"),
        (Rule("b", mailboxes=("INBX",)), "mailboxes: there is no watched mailbox"),
    ],
    ids=["name", "account", "mailbox"],
)
def test_rules_of_plugins_are_looked_at_like_those_of_files(
    tmp_path: Path, rule: Rule, complaint: str
) -> None:
    load(tmp_path, GOOD, one='[[rule]]\nname = "a"\nthen = [{ flag = true }]\n')
    with pytest.raises(ConfigError) as caught:
        load_configuration(tmp_path / "postroom.toml", providing(rule))
    (problem,) = caught.value.problems
    prefix = f"plugin acme: rule '{rule.name}': "
    assert str(problem).startswith(prefix + complaint.format(folder=tmp_path))


def test_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "a"\nwhen.sujet = "x"\nthen = [{ mve = "A" }]\n'
    told = complaints(tmp_path, GOOD.replace("state =", "stat ="), one=rule, two="x")
    assert len(told) == 5
    assert "rules.d/one.toml: rule 'a': when.sujet: " in told[2]
    assert "rules.d/two.toml: it is no TOML" in told[4]


def test_problems_of_plugins_and_of_the_settings_are_told_together(
    tmp_path: Path,
) -> None:
    path = tmp_path / "postroom.toml"
    path.write_text(GOOD.replace("state =", "stat ="))
    ghost = Problem("plugin ghost", "it can't be loaded")

    def discover() -> Plugins:
        raise ConfigError([ghost])

    with pytest.raises(ConfigError) as caught:
        load_configuration(path, discover)
    assert len(caught.value.problems) == 3
    assert caught.value.problems[-1] is ghost


def test_a_password_that_stands_in_the_settings_is_refused_and_not_repeated(
    tmp_path: Path,
) -> None:
    for secret in ("s3cretword", "s3cret:word", "a:s3cretword"):
        settings = GOOD.replace("env:HOME_PASSWORD", secret)
        told = complaints(tmp_path, settings)
        assert "s3cret" not in "".join(told)


def test_a_mailbox_that_two_accounts_watch_by_one_login_is_refused(
    tmp_path: Path,
) -> None:
    """Everything in it would be done twice."""
    copied = GOOD.partition("[account.home]")[2]
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, f"{GOOD}[account.copied]{copied}")
    (problem,) = refused.value.problems
    assert problem.key == "account.copied.watch"
    assert problem.message == "account 'home' watches INBOX by the same login"
    load(tmp_path, f'{GOOD}[account.copied]{copied}watch = ["Other"]\n')


def test_a_rule_that_sends_needs_a_server_to_send_through(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "f"\nthen = [{ forward = "a@b.c" }]\n'
    settings = GOOD.replace('smtp = { host = "smtp.ours.example" }', "")
    (told,) = complaints(tmp_path, settings, one=rule)
    assert "rule 'f': then: account 'home' has no smtp to send through" in told


def test_a_credential_outside_of_the_unit_is_a_warning(tmp_path: Path) -> None:
    configuration = load(tmp_path, GOOD.replace("env:HOME_PASSWORD", "credential:home"))
    (warning,) = configuration.warnings
    assert "systemd gives credential home only to the unit" in str(warning)


def test_an_account_may_send_through_another(tmp_path: Path) -> None:
    owner = load(tmp_path, GOOD + OTHER).owner("isp")
    assert (owner.account, owner.address, owner.relay) == (
        "isp",
        "me@isp.example",
        "home",
    )


def test_the_aliases_of_an_account_are_its_owners(tmp_path: Path) -> None:
    aliases = 'aliases = ["info@ours.example", "me@old.example"]\n'
    configuration = load(tmp_path, GOOD + aliases)
    told = ("info@ours.example", "me@old.example")
    assert configuration.owner("home").aliases == told
    assert load(tmp_path, GOOD).owner("home").aliases == ()


def test_nothing_is_held_unless_the_settings_say_so(tmp_path: Path) -> None:
    assert not load(tmp_path, GOOD).settings.postroom.hold
    held = GOOD.replace("[postroom]", "[postroom]\nhold = true")
    assert load(tmp_path, held).settings.postroom.hold


def test_accounts_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    second = GOOD.partition("[account.home]")[2].replace("me@", "you@")
    (told,) = complaints(tmp_path, f"{GOOD}[account.Home]{second}")
    assert "accounts 'home' and 'Home' differ in case only" in told


def test_a_rule_may_not_have_the_name_of_an_account(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "home"\nthen = [{ flag = true }]\n'
    (told,) = complaints(tmp_path, GOOD, one=rule)
    assert told.endswith("rule 'home': name: the name is taken by an account")


def test_settings_are_found_in_the_usual_places(tmp_path: Path) -> None:
    home = tmp_path / "postroom" / "postroom.toml"
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert find_settings(Path("x"), environment) == Path("x")
    named = {**environment, "POSTROOM_CONFIG": "/y"}
    assert find_settings(None, named) == Path("/y")
    with pytest.raises(ConfigError, match=f"looked for /etc.* and {home}; --config"):
        find_settings(None, environment)
    home.parent.mkdir()
    home.touch()
    assert find_settings(None, environment) == home
