"""`poll` has accounts looked at, and says how that went."""

from __future__ import annotations

import pytest

from tests.commands.attended import run_attended
from tests.commands.test_maildrop import furnish
from tests.commands.workplace import Workplace
from tests.servers.dovecot import DovecotServer
from tests.servers.maildrop import serving_maildrop

LISTS = 'watch = ["INBOX", "Lists"]\n'


def test_an_account_on_imap_is_looked_at(
    workplace: Workplace, dovecot: DovecotServer
) -> None:
    user = dovecot.new_user()
    address, password = dovecot.address(user), dovecot.password
    workplace.write(address, password, dovecot.ports.imap)
    for which in ("home", "--all"):
        done = run_attended(workplace, "poll", which)
        assert (done.code, done.out, done.err) == (0, "home: looked at now\n", "")


def test_an_account_on_pop3_is_looked_at(workplace: Workplace) -> None:
    with serving_maildrop() as maildrop:
        maildrop.put(b"Subject: hello\r\n\r\n")
        furnish(workplace, maildrop.port)
        done = run_attended(workplace, "poll", "isp")
        assert maildrop.letters == []
    assert (done.code, done.out) == (0, "isp: looked at now\n")


def test_a_server_that_is_away_is_told(workplace: Workplace) -> None:
    workplace.write(more=LISTS)
    done = run_attended(workplace, "poll", "home")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("home: could not be looked at: ")
    assert "127.0.0.1:9" in done.err
    assert done.err.count("could not") == done.err.count("127.0.0.1:9") == 1


def test_a_refused_login_is_told(workplace: Workplace, dovecot: DovecotServer) -> None:
    address = dovecot.address(dovecot.new_user())
    workplace.write(address, imap=dovecot.ports.imap)
    done = run_attended(workplace, "poll", "home")
    assert done.code == 1
    assert done.err.startswith("home: could not be looked at: "), done


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"-ERR [AUTH] not you\r\n", "not you"),
        (b"-ERR [IN-USE] somebody reads it\r\n", "somebody reads it"),
    ],
)
def test_a_maildrop_that_lets_nobody_in_is_told(
    workplace: Workplace, answer: bytes, told: str
) -> None:
    with serving_maildrop() as maildrop:
        maildrop.answers["PASS"] = answer
        furnish(workplace, maildrop.port)
        done = run_attended(workplace, "poll", "isp")
    assert (done.code, done.out) == (1, "")
    assert told in done.err


def test_a_maildir_that_can_not_be_written_is_told(workplace: Workplace) -> None:
    (workplace.folder / "mail").mkdir()
    (workplace.folder / "mail" / "tmp").touch()
    with serving_maildrop() as maildrop:
        maildrop.put(b"Subject: hello\r\n\r\n")
        furnish(workplace, maildrop.port, more=f'maildir = "{workplace.folder}/mail"')
        done = run_attended(workplace, "poll", "isp")
        assert len(maildrop.letters) == 1
    assert (done.code, done.out) == (1, "")
    assert f"{workplace.folder}/mail" in done.err


def test_only_the_mailbox_that_is_not_there_is_told(
    workplace: Workplace, dovecot: DovecotServer
) -> None:
    user = dovecot.new_user()
    address, password = dovecot.address(user), dovecot.password
    workplace.write(address, password, dovecot.ports.imap, more=LISTS)
    done = run_attended(workplace, "poll", "home")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("home: could not be looked at: Lists: "), done
