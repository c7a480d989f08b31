"""What does not fit POP3 accounts is told before anything is run, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

import postroom_filing
from postroom import Action, Effect, Message, RegisterAction, Subfolder, hookimpl
from postroom.config.maildrops import advise_on_accounts
from postroom.errors import ConfigError, Problem
from postroom.hooks.plugins import Plugins
from tests.config.folder import load_rules, write_rule
from tests.config.test_pop3_settings import IMAP, complaints, load, pop3, postroom


class Colour(Action):
    """Label it with a colour."""

    labels = True
    on_mailbox = True

    def effects(self, message: Message) -> Iterable[Effect]:
        """None, in this test."""
        return ()


class Shelve(Action):
    """Put it away."""

    below: Subfolder

    def effects(self, message: Message) -> Iterable[Effect]:
        """None, in this test."""
        return ()


@hookimpl
def register_actions(register: RegisterAction) -> None:
    register("colour", Colour)
    register("shelve", Shelve)


PLUGINS = Plugins(
    [
        ("filing", postroom_filing),
        ("acme", SimpleNamespace(register_actions=register_actions)),
    ]
)


def refused(folder: Path, rules: str, *tables: str) -> tuple[Problem, ...]:
    """What is wrong with these rules."""
    settings = "".join([postroom(), *tables])
    with pytest.raises(ConfigError) as caught:
        load_rules(folder, rules, plugins=PLUGINS, settings=settings)
    return caught.value.problems


def taken(folder: Path, rules: str, *tables: str) -> None:
    """These rules are right."""
    settings = "".join([postroom(), *tables])
    load_rules(folder, rules, plugins=PLUGINS, settings=settings)


NOWHERE = pop3("maildir = false\nkeep = true", name="far")


# -- rules -----------------------------------------------------------------------------


def test_a_label_has_no_place_in_a_maildir(tmp_path: Path) -> None:
    rule = write_rule(then="[{ colour = true }]")
    (problem,) = refused(tmp_path, rule, IMAP, pop3())
    assert (problem.rule, problem.key) == ("it", "then")
    assert problem.message == (
        "colour: account 'isp' is a POP3 account, and its Maildir has no labels: copy "
        "puts it into a folder as well; or have the rule name other accounts"
    )
    taken(tmp_path, rule, IMAP)
    for keys in ("accounts = ['home']", "enabled = false"):
        apart = write_rule(keys, then="[{ colour = true }]")
        taken(tmp_path, apart, IMAP, pop3())


def test_a_label_has_no_place_where_nothing_is_stored(tmp_path: Path) -> None:
    rule = write_rule(then="[{ colour = true }]")
    (problem,) = refused(tmp_path, rule, NOWHERE)
    assert problem.message == (
        "colour: account 'far' is a POP3 account, which has no labels: have the rule "
        "name other accounts"
    )


def test_without_a_maildir_there_is_nothing_to_file_in_or_to_mark(
    tmp_path: Path,
) -> None:
    """All actions that do so, and no other."""
    filing = {
        "move": "'A'",
        "archive": "true",
        "copy": "'A'",
        "mark": "'read'",
        "flag": "true",
        "unflag": "true",
        "delete": "true",
    }
    for name, option in filing.items():
        rule = write_rule(then=f"[{{ {name} = {option} }}]")
        (problem,) = refused(tmp_path, rule, IMAP, pop3(), NOWHERE)[-1:]
        assert problem.message == (
            f"{name}: account 'far' stores nothing here (maildir = false), and a POP3 "
            "server can neither file nor mark: give it a maildir, or have the rule "
            "name other accounts"
        )
    taken(tmp_path, write_rule(then="[{ stop = true }]"), NOWHERE)
    apart = write_rule("accounts = ['home', 'isp']", then="[{ move = 'A' }]")
    taken(tmp_path, apart, IMAP, pop3(), NOWHERE)


@pytest.mark.parametrize(
    "then",
    [
        "move = 'Lists/python.org'",
        "copy = 'a.b'",
        "archive = '{date:%Y.%m}'",
        "shelve = 'a/{from.domain}.x'",
    ],
)
def test_a_dot_of_the_rule_itself_can_not_be_in_the_name_of_a_folder(
    tmp_path: Path, then: str
) -> None:
    name, _, option = then.partition(" = ")
    written = option.strip("'")
    (problem,) = refused(tmp_path, write_rule(then=f"[{{ {then} }}]"), IMAP, pop3())
    assert problem.message == (
        f"{name}: account 'isp' is a POP3 account, and in its Maildir a dot begins "
        f"another level: no folder can be called {written!r}; put another sign in its "
        "place"
    )
    taken(tmp_path, write_rule(then=f"[{{ {then} }}]"), IMAP)


@pytest.mark.parametrize(
    "then", ["move = 'Senders/{from.domain}'", "archive = '{date:%Y/%m}/{list.id}'"]
)
def test_a_dot_of_a_message_can(tmp_path: Path, then: str) -> None:
    """It is written as another sign when the message is filed."""
    taken(tmp_path, write_rule(then=f"[{{ {then} }}]"), pop3())


def test_a_rule_is_for_the_one_mailbox_of_a_maildrop(tmp_path: Path) -> None:
    taken(tmp_path, write_rule("mailboxes = ['inbox']"), pop3())
    (problem,) = refused(tmp_path, write_rule("mailboxes = ['Lists']"), pop3())
    assert problem.key == "mailboxes"
    assert problem.message == ("there is no watched mailbox 'Lists'; there are: INBOX")


# -- accounts --------------------------------------------------------------------------


def test_a_maildrop_is_visited_for_one_account_only(tmp_path: Path) -> None:
    twin = pop3(name="twin", host="POP.isp.example", keys=", user = 'isp@isp.example'")
    (told,) = complaints(tmp_path, pop3(), twin)
    assert told == "account.twin.pop3: account 'isp' fetches INBOX by the same login"
    load(tmp_path, pop3(), pop3(name="other"))


@pytest.mark.parametrize(
    ("one", "other", "complaint"),
    [
        ("/srv/a", "/srv/a", "account 'one' has the same Maildir"),
        ("/srv/a", "/srv/a/", "account 'one' has the same Maildir"),
        (
            "/srv/a",
            "/srv/a/b",
            "it and the Maildir of account 'one' lie in one another: /srv/a",
        ),
        (
            "/srv/a/.b",
            "/srv/a",
            "it and the Maildir of account 'one' lie in one another: /srv/a/.b",
        ),
        (
            "/var/lib/postroom/maildir/other",
            "",
            "account 'one' has the same Maildir",
        ),
    ],
)
def test_a_maildir_is_of_one_account(
    tmp_path: Path, one: str, other: str, complaint: str
) -> None:
    first = pop3(f'maildir = "{one}"', name="one")
    second = pop3(f'maildir = "{other}"' if other else "", name="other")
    (told,) = complaints(tmp_path, first, second)
    assert told == f"account.other.maildir: {complaint}"


def test_a_link_does_not_hide_that_two_maildirs_are_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    first = pop3(f'maildir = "{tmp_path}/a"', name="one")
    (told,) = complaints(tmp_path, first, pop3(f'maildir = "{tmp_path}/b/"', name="b"))
    assert told == "account.b.maildir: account 'one' has the same Maildir"


@pytest.mark.parametrize("place", ["", "/maildir", "/plugins/x"])
def test_a_maildir_is_apart_from_what_postroom_remembers(
    tmp_path: Path, place: str
) -> None:
    state = tmp_path / "lib/postroom"
    table = pop3(f'maildir = "{state}{place}"')
    (told,) = complaints(tmp_path, table, own=postroom(state))
    assert told == (
        f"account.isp.maildir: what postroom remembers is in {state}: expected a "
        f"folder apart from that, or below {state}/maildir"
    )


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/etc/mail", "/etc is the system's"),
        ("/srv/a\\u0007", "no control characters"),
        ("/srv/{account}", "braces stand for placeholders"),
        ("/srv/../a", "without . and .."),
        ("/srv", "expected a folder of its own"),
        ("/", "expected a folder of its own"),
        ("HOME/file", "is there, and is no folder"),
        ("HOME", "is postroom's own"),
        ("HOME/plugins/x", "is postroom's own"),
        ("HOME/rules.d", "is postroom's own"),
    ],
)
def test_no_mail_is_stored_where_nothing_is_saved(
    tmp_path: Path, path: str, complaint: str
) -> None:
    (tmp_path / "file").touch()
    table = pop3(f'maildir = "{path.replace("HOME", str(tmp_path))}"')
    (told,) = complaints(tmp_path, table)
    assert told.startswith("account.isp.maildir: ")
    assert complaint in told


def test_beside_the_settings_there_may_be_a_maildir(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    load(tmp_path, pop3(f'maildir = "{tmp_path}/mail"'))
    load(tmp_path, pop3(), own=postroom(tmp_path / "state"))
    load(tmp_path, pop3(), own=postroom(tmp_path))


# -- advice ----------------------------------------------------------------------------


def warned(folder: Path, *tables: str) -> list[str]:
    """The warnings about the settings."""
    prefix = f"{folder}/postroom.toml: "
    return [str(each).removeprefix(prefix) for each in load(folder, *tables).warnings]


def test_a_maildir_outside_of_the_state_needs_another_unit(tmp_path: Path) -> None:
    assert warned(tmp_path, pop3('maildir = "/srv/mail/isp"')) == [
        "account.isp.maildir: it is outside of the state folder, where a unit with "
        "DynamicUser= may not write. The unit needs two lines (systemctl edit "
        "postroom): User=NAME, a user that stays, and ReadWritePaths=/srv/mail/isp, "
        "which has to be there"
    ]
    below = 'maildir = "/var/lib/postroom/maildir/elsewhere/isp"'
    assert warned(tmp_path, pop3(below), pop3(name="b"), NOWHERE) == []


def test_whoever_has_no_unit_is_not_told_of_it(tmp_path: Path) -> None:
    elsewhere = pop3(f'maildir = "{tmp_path}/mail/isp"')
    assert load(tmp_path, elsewhere, own=postroom(tmp_path / "state")).warnings == ()


@pytest.mark.parametrize(
    ("file", "state", "count"),
    [
        ("/etc/postroom/postroom.toml", "/srv/state", 1),
        ("/home/me/postroom.toml", "/var/lib/postroom", 1),
        ("/home/me/postroom.toml", "/var/lib/postroom/me", 1),
        ("/home/me/postroom.toml", "/var/lib/postroom-me", 0),
        ("/home/me/.config/postroom/postroom.toml", "/home/me/state", 0),
    ],
)
def test_the_unit_is_known_by_its_settings_or_its_state(
    tmp_path: Path, file: str, state: str, count: int
) -> None:
    elsewhere = pop3('maildir = "/srv/mail/isp"')
    settings = load(tmp_path, elsewhere, own=postroom(Path(state))).settings
    assert len([*advise_on_accounts(settings, file)]) == count


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/srv/my mail", '"/srv/my mail"'),
        ("/srv/100%", "/srv/100%%"),
        ("/srv/it's", r'''"/srv/it\'s"'''),
    ],
)
def test_the_unit_is_told_a_path_as_systemd_reads_it(
    tmp_path: Path, path: str, written: str
) -> None:
    (told,) = warned(tmp_path, pop3(f'maildir = "{path}"'))
    assert f"ReadWritePaths={written}, " in told


def test_what_others_may_read_they_have_to_reach(tmp_path: Path) -> None:
    shared = postroom(more='umask = "027"')
    (told,) = load(tmp_path, pop3(), own=shared).warnings
    assert told.key == "account.isp.maildir"
    assert told.message == (
        "umask lets others than the owner read, and none of them can reach "
        "/var/lib/postroom/maildir/isp: the state folder /var/lib/postroom is for its "
        "owner alone (0700). Name a maildir elsewhere, such as /srv/mail/isp"
    )
    (unit,) = load(tmp_path, pop3('maildir = "/srv/m/isp"'), own=shared).warnings
    assert "ReadWritePaths" in unit.message
    assert load(tmp_path, pop3(), NOWHERE).warnings == ()


@pytest.mark.parametrize("host", ["pop.gmail.com", "POP.googlemail.com"])
def test_gmail_hides_what_was_retrieved(tmp_path: Path, host: str) -> None:
    assert warned(tmp_path, pop3(host=host)) == [
        "account.isp.pop3: Gmail hides what was retrieved by POP3, from every program: "
        'take imap, or user = "recent:isp@isp.example", to whom it shows all of the '
        "last 30 days"
    ]
    assert warned(tmp_path, pop3(host=host, keys=", user = 'recent:a@b.example'")) == []
