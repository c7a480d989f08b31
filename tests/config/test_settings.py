"""Settings: every problem at once, each with its key; no secret is ever repeated."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

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
    assert (account.imap.reached_port, account.imap.tls) == (993, "implicit")
    assert isinstance(account.smtp, SmtpServer)
    assert (account.smtp.reached_port, account.smtp.tls) == (465, "implicit")
    assert account.existing == "leave"
    assert account.watch == ("INBOX",)
    assert account.poll == timedelta(minutes=5)


def test_starttls_has_its_own_ports(tmp_path: Path) -> None:
    settings = GOOD.replace('ours.example" }', 'ours.example", tls = "starttls" }')
    account = load(tmp_path, settings).settings.account["home"]
    assert isinstance(account.smtp, SmtpServer)
    assert (account.imap.reached_port, account.smtp.reached_port) == (143, 587)


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
        ("me@ours.example", "me at home", "expected an address"),
        ("env:HOME_PASSWORD", "env:NO_SUCH", "the environment has no NO_SUCH"),
        ("[account.home]", '[account.home]\npoll = "5"', "expected a time such as"),
        ("[account.home]", "[account.home]\nwatch = []", "expected at least one"),
        ("[account.home]", '[account.home]\nexisting = "x"', "'leave' or 'process'"),
        ("[account.home]", '[account."a b"]', "expected letters, digits"),
        ("[account.home]", "[acount.home]", "did you mean 'account'?"),
        ('host = "smtp.ours.example"', 'account = "hme"', "did you mean 'home'?"),
        ('host = "smtp.ours.example"', 'account = "home"', "no smtp of its own"),
        ("password =", "#", "account.home.password: it is required"),
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
    other = """
    [account.isp]
    address = "me@isp.example"
    imap = { host = "imap.isp.example" }
    smtp = { account = "home" }
    password = "env:HOME_PASSWORD"
    """
    owner = load(tmp_path, GOOD + other).owner("isp")
    assert (owner.account, owner.address, owner.relay) == (
        "isp",
        "me@isp.example",
        "home",
    )


def test_settings_are_found_in_the_usual_places(tmp_path: Path) -> None:
    home = tmp_path / "postroom" / "postroom.toml"
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert find_settings(Path("x"), environment) == Path("x")
    named = {**environment, "POSTROOM_CONFIG": "/y"}
    assert find_settings(None, named) == Path("/y")
    home.parent.mkdir()
    home.touch()
    assert find_settings(None, environment) == home
