"""POP3 accounts in the settings: what may be said of them, and what may not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postroom.config.configuration import Configuration
from postroom.config.settings import PopServer
from postroom.errors import ConfigError
from postroom.rules.schedule import Schedule
from tests.config.folder import load_rules

POSTROOM = """
[postroom]
state = "{state}"
{more}
"""
ACCOUNT = """
[account.{name}]
address = "{name}@isp.example"
pop3 = {{ host = "{host}"{keys} }}
password = "command:echo hunter2hunter2"
{more}
"""
IMAP = """
[account.home]
address = "me@ours.example"
imap = { host = "imap.ours.example" }
password = "command:echo hunter2hunter2"
"""


def postroom(state: object = "/var/lib/postroom", more: str = "") -> str:
    """The daemon's own table."""
    return POSTROOM.format(state=state, more=more)


def pop3(
    more: str = "", *, name: str = "isp", host: str = "pop.isp.example", keys: str = ""
) -> str:
    """The table of a POP3 account."""
    return ACCOUNT.format(name=name, host=host, keys=keys, more=more)


def load(folder: Path, *tables: str, own: str = "") -> Configuration:
    """The configuration with these accounts."""
    return load_rules(folder, "", settings="".join([own or postroom(), *tables]))


def complaints(folder: Path, *tables: str, own: str = "") -> list[str]:
    """What is wrong with the settings."""
    with pytest.raises(ConfigError) as caught:
        load(folder, *tables, own=own)
    prefix = f"{folder}/postroom.toml: "
    return [str(each).removeprefix(prefix) for each in caught.value.problems]


# -- what may be said ------------------------------------------------------------------


def test_the_defaults_of_a_pop3_account(tmp_path: Path) -> None:
    settings = load(tmp_path, pop3()).settings
    account = settings.account["isp"]
    server = account.server
    assert isinstance(server, PopServer)
    assert (server.reached_port, server.tls, server.auth) == (
        995,
        "implicit",
        "password",
    )
    assert account.imap is None
    assert account.keep is False
    assert account.adopts is False
    assert account.watch == ("INBOX",)
    assert account.poll == timedelta(minutes=5)
    assert settings.maildir_of("isp") == Path("/var/lib/postroom/maildir/isp")
    assert settings.postroom.umask == 0o077


def test_starttls_has_its_own_port(tmp_path: Path) -> None:
    settings = load(tmp_path, pop3(keys=', tls = "starttls", auth = "apop"')).settings
    server = settings.account["isp"].pop3
    assert server is not None
    assert (server.reached_port, server.auth) == (110, "apop")


@pytest.mark.parametrize(
    ("written", "keep"),
    [("false", False), ("true", True), ('"14d"', timedelta(days=14))],
)
def test_mail_is_kept_on_the_server_as_is_said(
    tmp_path: Path, written: str, keep: object
) -> None:
    settings = load(tmp_path, pop3(f"keep = {written}")).settings
    assert settings.account["isp"].keep == keep
    assert type(settings.account["isp"].keep) is type(keep)


def test_a_maildir_is_where_it_is_said_to_be(tmp_path: Path) -> None:
    elsewhere = pop3('maildir = "/srv/mail/isp"', name="a")
    nowhere = pop3("maildir = false\nkeep = true", name="b")
    settings = load(tmp_path, elsewhere, nowhere, IMAP).settings
    assert settings.maildir_of("a") == Path("/srv/mail/isp")
    assert settings.maildir_of("b") is None
    assert settings.maildir_of("home") is None


@pytest.mark.parametrize(
    ("existing", "adopts"), [("leave", True), ("process", False), ("", None)]
)
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_mail_that_was_there_is_left_on_imap_only_unless_the_owner_says(
    tmp_path: Path, kind: str, existing: str, adopts: bool | None
) -> None:
    line = f'existing = "{existing}"\n' if existing else ""
    table = pop3(line, name="home") if kind == "pop3" else IMAP + line
    account = load(tmp_path, table).settings.account["home"]
    assert account.adopts is ((kind == "imap") if adopts is None else adopts)


@pytest.mark.parametrize("table", [IMAP, pop3(name="home")], ids=["imap", "pop3"])
def test_an_account_may_be_looked_at_by_cron(tmp_path: Path, table: str) -> None:
    line = 'poll = { cron = "*/10 8-18 * * mon-fri" }\n'
    account = load(tmp_path, table + line).settings.account["home"]
    assert account.poll == Schedule(cron="*/10 8-18 * * mon-fri")


@pytest.mark.parametrize(("written", "umask"), [("027", 0o27), ("0007", 0o7)])
def test_a_umask_is_written_as_in_a_shell(
    tmp_path: Path, written: str, umask: int
) -> None:
    own = postroom(more=f'umask = "{written}"')
    assert load(tmp_path, pop3(), own=own).settings.postroom.umask == umask


def test_a_login_by_pop3_is_another_than_one_by_imap(tmp_path: Path) -> None:
    """They see the same mail, and know it by other names."""
    imap = IMAP.replace("me@ours.example", "isp@isp.example")
    imap = imap.replace("imap.ours.example", "MAIL.isp.example")
    settings = load(tmp_path, imap, pop3(host="mail.isp.example")).settings
    assert settings.account["home"].login == "isp@isp.example@mail.isp.example"
    assert settings.account["isp"].login == "pop3:isp@isp.example@mail.isp.example"


# -- what may not ----------------------------------------------------------------------

ELSEWHERE = "it is for POP3 accounts: on an IMAP server mail stays"
NOTHING = (
    "false stores nothing here, so that all has to stay on the server: it goes with "
    "keep = true only"
)
A_PATH = "account.isp.maildir: expected false, or a path from the root such as"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (
            pop3().replace("pop3 =", "name = 'x' #"),
            "account.isp.pop3: it is required, or imap: where does the mail come from?",
        ),
        (
            pop3('imap = { host = "a.example" }'),
            "account.isp.pop3: an account has imap or pop3: make two accounts of it",
        ),
        (
            pop3().replace("pop3 =", "pop =").replace("host", "hots"),
            "account.isp.pop: there is no key 'pop'; did you mean 'pop3'?",
        ),
        (
            pop3(keys=", usr = 'x'"),
            "account.isp.pop3.usr: there is no key 'usr'; did you mean 'user'?",
        ),
        (
            pop3(keys=", auth = false"),
            'account.isp.pop3.auth: expected "password" or "apop"',
        ),
        (
            pop3(keys=", tls = 'none'"),
            'account.isp.pop3: tls = "none" is only for servers on this machine',
        ),
        (
            pop3().replace("pop3 = {", "pop3 = 'x' # "),
            'account.isp.pop3: expected a table such as { host = "pop.example.org" }',
        ),
        (
            pop3('watch = ["INBOX"]'),
            "account.isp.watch: a POP3 account has one mailbox, INBOX: leave it out",
        ),
        (
            pop3("keep = 14"),
            'account.isp.keep: expected true, false or a time such as "14d"',
        ),
        (
            pop3('keep = "a while"'),
            'account.isp.keep: expected true, false or a time such as "14d"',
        ),
        (pop3('maildir = "mail"'), f"{A_PATH} /srv/mail/isp"),
        (pop3("maildir = true"), f"{A_PATH} /srv/mail/isp"),
        (
            pop3("maildir = false"),
            f"account.isp.maildir: {NOTHING}",
        ),
        (
            pop3('maildir = false\nkeep = "14d"'),
            f"account.isp.maildir: {NOTHING}",
        ),
        (
            pop3('poll = { crn = "0 3 * * *" }'),
            "account.isp.poll.crn: there is no key 'crn'; did you mean 'cron'?",
        ),
        (
            pop3('poll = { cron = "0 3 * * 1" }'),
            "account.isp.poll.cron: day of the week: expected names, mon, tue, wed, "
            "thu, fri, sat, sun, not '1': a number means different days to different "
            "programs",
        ),
        (pop3("poll = {}"), "account.isp.poll.cron: it is required"),
        (
            pop3("poll = 5"),
            'account.isp.poll: expected a time such as "30s", "5m", "12h", "14d" or '
            '"1y"',
        ),
        (pop3().replace("password", "#"), "account.isp.password: it is required"),
        (IMAP + "keep = true", f"account.home.keep: {ELSEWHERE}"),
        (IMAP + "maildir = false", f"account.home.maildir: {ELSEWHERE}"),
        (IMAP + 'maildir = "/srv/mail"', f"account.home.maildir: {ELSEWHERE}"),
    ],
)
def test_what_does_not_fit_a_kind_of_account_is_told_with_its_key(
    tmp_path: Path, table: str, complaint: str
) -> None:
    assert complaint in complaints(tmp_path, table)


@pytest.mark.parametrize(
    ("umask", "complaint"),
    [
        (
            '"277"',
            "the first digit would take away the owner's own rights: expected 0,",
        ),
        ('"77"', 'expected octal digits in quotes, such as "077" or "027"'),
        ('"089"', "expected octal digits in quotes"),
        ("0o027", "expected octal digits in quotes"),
    ],
)
def test_a_umask_leaves_the_owner_what_is_his(
    tmp_path: Path, umask: str, complaint: str
) -> None:
    own = postroom(more=f"umask = {umask}")
    (told,) = complaints(tmp_path, pop3(), own=own)
    assert told.startswith(f"postroom.umask: {complaint}")


def test_every_problem_of_an_account_is_told_at_once(tmp_path: Path) -> None:
    table = pop3('watch = ["A"]\nkeep = 3\nmaildir = "x"\npoll = "x"\nexistng = "x"')
    told = complaints(tmp_path, table, own=postroom(more="umask = 77"))
    keys = [line.partition(":")[0] for line in told]
    assert keys == [
        "postroom.umask",
        "account.isp.watch",
        "account.isp.poll",
        "account.isp.keep",
        "account.isp.maildir",
        "account.isp.existng",
    ]


def test_a_wrong_server_is_no_absent_one(tmp_path: Path) -> None:
    """One mistake is told once."""
    (told,) = complaints(tmp_path, IMAP.replace("host", "hots", 1) + "keep = 3\n")[:1]
    assert told == "account.home.imap.host: it is required"
    both = complaints(tmp_path, IMAP.replace('"imap.ours.example"', '"a b"'))
    assert len(both) == 1


def test_an_absent_secret_is_told_with_its_key(tmp_path: Path) -> None:
    (told,) = complaints(tmp_path, pop3(keys=', password = "env:NO_SUCH_WORD"'))
    assert told == "account.isp.pop3.password: the environment has no NO_SUCH_WORD"


def test_a_certificate_does_not_spare_a_pop3_server_its_password(
    tmp_path: Path,
) -> None:
    table = pop3(keys=', certificate = "/no/such.pem"').replace("password", "#")
    told = complaints(tmp_path, table)
    assert told[0] == "account.isp.password: it is required"
    assert told[1].startswith(
        "account.isp.pop3.certificate: /no/such.pem can't be read"
    )
