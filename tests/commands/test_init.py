"""`postroom init` as a person meets it, and as a script calls it."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from postroom.commands.init.providers import PROVIDERS, other_guesses, provider_of
from postroom.config.configuration import load_configuration
from tests.commands.person import Person, person_at
from tests.endtoend.daemon import PROGRAM
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import recording_smtp

CANARY = "canary-7d1f"


def surroundings(folder: Path) -> dict[str, str]:
    """An environment in which everything is below this folder."""
    kept = {"PATH", "LANG", "PYTHONPATH"} & os.environ.keys()
    return {
        **{name: os.environ[name] for name in kept},
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "POSTROOM_CONFIG": str(folder / "config" / "postroom.toml"),
        "TERM": "xterm",
    }


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program, with nobody at a terminal."""
    return subprocess.run(
        [str(PROGRAM), *arguments],
        env=surroundings(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


def modes(folder: Path) -> dict[str, int]:
    """The mode of everything below a folder."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
    }


def answer_until_password(person: Person, dovecot: DovecotServer, smtp: int) -> None:
    """The first answers of somebody at our servers, with a slip of the pen."""
    person.answer("Your mail address", "ann")
    person.answer("Expected an address", "ann@example.org")
    person.answer("Your name", "Ann Example")
    person.read("mail.example.org")
    person.answer("[imap.example.org]", f"127.0.0.1:{dovecot.ports.imap}")
    person.answer("[smtp.example.org]", f"127.0.0.1:{smtp}")
    person.answer(f"{dovecot.ports.imap}: does it speak TLS there?", "n")
    person.answer(f"{smtp}: does it speak TLS there?", "n")


def answer_until_watched(person: Person, dovecot: DovecotServer, user: str) -> None:
    """The answers after that, with more slips; the login works."""
    person.answer("[ann@example.org]", dovecot.address(user))
    person.answer("Source [file]", "fiel")
    person.answer("Source [file]", "")
    person.answer("not shown): ", dovecot.password)
    person.answer("May I log in", "y")
    person.read("it works")
    person.read("it works")
    person.read("Mailboxes there: Archive, INBOX, Lists")
    person.answer("watched?", "INBOX, List")
    person.read("did you mean Lists?")
    person.answer("all the same?", "n")
    person.answer("watched?", "INBOX, Lists")


def test_a_person_gets_to_files_that_work(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, "Lists", "Archive")
    environment = surroundings(tmp_path)
    with (
        recording_smtp(login=True) as smtp,
        person_at([str(PROGRAM), "init"], environment) as person,
    ):
        smtp.user, smtp.password = dovecot.address(user), dovecot.password
        answer_until_password(person, dovecot, smtp.port)
        answer_until_watched(person, dovecot, user)
        assert not (tmp_path / "config").exists()
        person.answer("Write the files?", "")
        assert person.leave() == 0
        done = run(tmp_path, "check", "--connect")
    assert dovecot.password not in person.seen
    assert "postroom check --connect" in person.seen
    assert done.returncode == 0, done
    assert "no problems." in done.stdout
    assert modes(tmp_path / "config") == {
        "postroom.toml": 0o600,
        "password": 0o600,
        "postroom.schema.json": 0o600,
        "rules.schema.json": 0o600,
        "rules.d": 0o700,
        "rules.d/10-first.toml": 0o600,
    }
    table = load_configuration(tmp_path / "config/postroom.toml").settings.account
    assert table["home"].name == "Ann Example"
    assert table["home"].watch == ("INBOX", "Lists")


def test_a_failed_login_tells_why_and_goes_on(
    tmp_path: Path, dovecot: DovecotServer
) -> None:
    with person_at([str(PROGRAM), "init"], surroundings(tmp_path)) as person:
        answer_until_password(person, dovecot, 9)
        person.answer("[ann@example.org]", dovecot.address(dovecot.new_user()))
        person.answer("Source [file]", "file")
        person.answer("not shown): ", CANARY)
        person.answer("May I log in", "y")
        person.read(f"IMAP 127.0.0.1:{dovecot.ports.imap}: ")
        person.read("SMTP 127.0.0.1:9: ")
        person.answer("watched?", "")
        person.answer("Write the files?", "")
        assert person.leave() == 0
    assert CANARY not in person.seen
    assert (tmp_path / "config/password").read_text() == f"{CANARY}\n"


@pytest.mark.parametrize("end", ["no", "interrupt"])
def test_who_ends_it_finds_nothing_written_and_was_connected_to_nothing(
    tmp_path: Path, dovecot: DovecotServer, end: str
) -> None:
    with person_at([str(PROGRAM), "init"], surroundings(tmp_path)) as person:
        answer_until_password(person, dovecot, 9)
        person.answer("[ann@example.org]", "")
        person.answer("Source [file]", "command")
        person.answer("The command", "pass show mail")
        person.answer("May I log in", "")
        person.answer("watched?", "")
        if end == "no":
            person.answer("Write the files?", "n")
        else:
            person.interrupt("Write the files? [Y/n]: ")
        assert person.leave() != 0
    assert "it works" not in person.seen
    assert "Traceback" not in person.seen
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_nor_asked_in_vain(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "postroom.toml").write_text("mine")
    with person_at([str(PROGRAM), "init"], surroundings(tmp_path)) as person:
        person.read("postroom.toml is there already")
        assert person.leave() == 1
    assert modes(folder).keys() == {"postroom.toml"}
    assert (folder / "postroom.toml").read_text() == "mine"


def test_a_script_answers_by_options(tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.touch(mode=0o600)
    word.write_text(CANARY)
    done = run(
        tmp_path,
        *("init", "--address", "ann@gmail.com", "--name", 'Ann "A" \\ Example'),
        *("--password", f"file:{word}", "--watch", "INBOX", "--watch", "Lists"),
    )
    assert done.returncode == 0, done
    configuration = load_configuration(tmp_path / "config/postroom.toml")
    table = configuration.settings.account["home"]
    assert (table.server.host, table.name) == ("imap.gmail.com", 'Ann "A" \\ Example')
    assert table.watch == ("INBOX", "Lists")
    assert [rule.name for rule in configuration.rules] == ["My first rule"]
    assert run(tmp_path, "check").returncode == 0


def test_an_unusual_port_of_this_machine_has_tls_unless_it_is_said(
    tmp_path: Path,
) -> None:
    done = run(
        tmp_path,
        *("init", "--yes", "--address", "a@b.example", "--password", "env:X"),
        *("--imap", "localhost:49289", "--smtp", "127.0.0.1:1025"),
    )
    assert done.returncode == 0, done
    text = (tmp_path / "config/postroom.toml").read_text()
    assert 'imap = { host = "localhost", port = 49289 }' in text
    assert 'smtp = { host = "127.0.0.1", port = 1025, tls = "none" }' in text
    assert "TLS is always used" not in text
    assert "ca = " in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), ["--address: it is required", "--password: it is required"]),
        (("--address", "ann", "--password", "env:X"), ["--address: expected an"]),
        (
            ("--address", "ann@example.org", "--password", CANARY),
            ["--password: expected credential:NAME"],
        ),
        (
            ("--address", "a@b.example", "--password", "env:X", "--imap", "a b"),
            ["imap.host: expected a host name"],
        ),
    ],
)
def test_a_script_is_told_all_that_is_missing(
    tmp_path: Path, arguments: tuple[str, ...], told: list[str]
) -> None:
    done = run(tmp_path, "init", "--yes", *arguments)
    assert done.returncode == 2
    for line in told:
        assert line in done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_can_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """The folder for rules can't be made: a file has its name."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "rules.d").write_text("mine")
    line = ("init", "--yes", "--address", "a@b.example", "--password", "env:X")
    done = run(tmp_path, *line)
    assert done.returncode == 1
    assert "rules.d" in done.stderr
    assert "nothing" in done.stderr
    assert modes(folder).keys() == {"rules.d"}


def test_providers_are_known_by_any_of_their_domains() -> None:
    domains = [domain for provider in PROVIDERS for domain in provider.domains]
    assert len(set(domains)) == len(domains)
    assert provider_of("ann@GMAIL.com").imap == "imap.gmail.com"
    assert provider_of("ann@example.org").smtp == "smtp.example.org"
    assert other_guesses("ann@example.org") == ("mail.example.org", "example.org")
    assert other_guesses("ann@gmail.com") == ()
