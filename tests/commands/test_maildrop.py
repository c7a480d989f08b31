"""What commands tell of POP3 accounts: what servers can do, and how things stand."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postroom.commands.maildrop import describe_maildrop
from postroom.config.configuration import load_configuration
from postroom.config.settings import AccountTable
from postroom.config.writable import why_not_writable
from postroom.ports import AccountReport, Cursor, WatchReport
from postroom.service.opening import open_service
from postroom.store.store import SqlStore
from tests.commands.attended import with_store
from tests.commands.workplace import Ended, Workplace
from tests.servers.dovecot import DovecotServer
from tests.servers.maildrop import serving_maildrop

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.isp]
address = "{address}"
password = "file:{folder}/word"
pop3 = {{ host = "127.0.0.1", port = {port}, tls = "none" }}
{more}
"""


def furnish(
    workplace: Workplace,
    port: int = 9,
    *,
    address: str = "me@isp.example",
    password: str = "secret",
    more: str = "",
) -> None:
    """Have the settings name one POP3 account."""
    workplace.write(password=password)
    text = SETTINGS.format(
        folder=workplace.folder, address=address, port=port, more=more
    )
    workplace.settings.write_text(text)


def described(
    *capabilities: str, keep: object = False, **more: object
) -> tuple[dict[str, str], Sequence[str]]:
    """What is told of a server with these capabilities."""
    table = AccountTable.model_validate(
        {
            "address": "me@isp.example",
            "pop3": {"host": "pop.isp.example"},
            "keep": keep,
            **more,
        }
    )
    report = AccountReport(frozenset(capabilities), ("INBOX",), None)
    facts, remarks = describe_maildrop(table, report)
    return dict(facts), remarks


# -- what the server can do ------------------------------------------------------------


def test_a_pop3_server_is_asked_with_the_others(
    workplace: Workplace, dovecot: DovecotServer
) -> None:
    user = dovecot.new_user()
    furnish(
        workplace,
        dovecot.ports.pop3,
        address=dovecot.address(user),
        password=dovecot.password,
    )
    done = workplace.run("check", "--connect")
    assert done.code == 0, done
    lines = done.out.splitlines()
    assert lines[:4] == [
        f"account isp: pop3: 127.0.0.1:{dovecot.ports.pop3}: it works",
        "account isp: pop3: new mail: is looked for every 5m",
        "account isp: pop3: what is kept: is told from what is new by its name (UIDL)",
        "account isp: pop3: retrieving: many messages at once (PIPELINING)",
    ]
    assert len(lines) == 5
    assert not (workplace.folder / "state").exists()


def test_a_server_that_is_away_is_told_and_a_wrong_maildir_with_it(
    workplace: Workplace,
) -> None:
    (workplace.folder / "mail").touch()
    furnish(workplace, more=f'maildir = "{workplace.folder}/mail/isp"')
    done = workplace.run("check", "--connect", "--json")
    assert done.code == 1
    (told,) = done.data["servers"]
    assert (told["kind"], told["works"]) == ("pop3", False)
    assert "127.0.0.1:9" in told["error"]
    (problem,) = done.data["problems"]
    assert problem["key"] == "account.isp.maildir"
    assert problem["message"] == f"{workplace.folder}/mail is no folder"


def test_a_maildir_that_can_not_be_used_is_a_problem_and_counted(
    workplace: Workplace, dovecot: DovecotServer
) -> None:
    """What rules save elsewhere is only warned of."""
    folder = workplace.folder
    user = dovecot.new_user()
    password = dovecot.password
    where = {"address": dovecot.address(user), "password": password}
    more = f'maildir = "{folder}/mail/isp"'
    furnish(workplace, dovecot.ports.pop3, **where, more=more)
    place = f'{{ save = {{ message = true, to = "{folder}/file/x" }} }}'
    rule = f'[[rule]]\nname = "it"\nthen = [ {place} ]\n'
    (folder / "rules.d" / "20-save.toml").write_text(rule)
    (folder / "file").touch()
    done = workplace.run("check", "--connect")
    assert done.code == 0, done
    assert f"warning: {folder}/rules.d/20-save.toml: rule 'it'" in done.out
    assert f"save: {folder}/file is no folder" in done.out
    (folder / "mail").touch()
    done = workplace.run("check", "--connect")
    assert done.code == 1
    assert ", 1 problem, " in done.out.splitlines()[-1]


def test_a_wrong_password_is_told_without_it(workplace: Workplace) -> None:
    with serving_maildrop() as maildrop:
        furnish(workplace, maildrop.port, password="canary-7d1f")
        done = workplace.run("check", "--connect")
    assert done.code == 1
    assert "account isp: pop3: " in done.out
    assert "canary-7d1f" not in done.out + done.err


def test_what_a_server_lacks_is_told_with_what_it_costs() -> None:
    facts, remarks = described("USER", "TOP")
    assert facts["what is kept"] == (
        "is told from what is new by its content: each look retrieves all of it "
        "(no UIDL)"
    )
    assert facts["retrieving"] == "one message, one round trip (no PIPELINING)"
    assert "headers" not in facts
    assert list(remarks) == []


def test_a_server_that_does_not_tell_is_not_said_to_lack_anything() -> None:
    facts, remarks = described()
    assert facts["abilities"] == "are not told (no CAPA): they are tried"
    assert set(facts) == {"new mail", "abilities"}
    assert list(remarks) == []


@pytest.mark.parametrize(
    ("capabilities", "told"),
    [
        (["UIDL", "TOP"], "are retrieved alone, where they are enough (TOP)"),
        (["UIDL"], "come with all the rest (no TOP)"),
    ],
)
def test_headers_alone_matter_where_nothing_is_stored(
    capabilities: list[str], told: str
) -> None:
    facts, _ = described(*capabilities, keep=True, maildir=False)
    assert facts["headers"] == told


@pytest.mark.parametrize("line", ["LOGIN-DELAY 900", "login-delay 900 USER"])
def test_a_server_that_wants_to_be_left_alone_for_longer_is_told(line: str) -> None:
    facts, remarks = described("UIDL", line)
    assert facts["logins"] == "at least 15m apart (LOGIN-DELAY)"
    assert list(remarks) == [
        "poll: the server wants 15m between two logins (LOGIN-DELAY), and may refuse "
        "those of every 5m"
    ]
    for poll in ("15m", {"cron": "0 * * * *"}):
        assert list(described("UIDL", line, poll=poll)[1]) == []


@pytest.mark.parametrize(
    ("expire", "keep", "told"),
    [
        ("0", True, "the server removes what was retrieved all the same (EXPIRE 0)"),
        ("0 USER", "14d", "the server removes what was retrieved all the same (EXP"),
        ("7", "14d", "the server removes mail after 7d (EXPIRE)"),
        ("7 USER", True, "the server removes mail after 7d (EXPIRE)"),
        ("14", "14d", ""),
        ("0", False, ""),
        ("NEVER", True, ""),
        ("soon", True, ""),
    ],
)
def test_a_server_that_keeps_less_than_is_wanted_is_told(
    expire: str, keep: object, told: str
) -> None:
    _, remarks = described("UIDL", f"EXPIRE {expire}", keep=keep)
    assert [each[: len(told) + 6] for each in remarks] == (
        [f"keep: {told}"] if told else []
    )


def test_cron_is_told_as_it_is_written() -> None:
    facts, _ = described("UIDL", poll={"cron": "0 8-18 * * mon-fri"})
    assert facts["new mail"] == "is looked for by cron '0 8-18 * * mon-fri'"


# -- the Maildir -----------------------------------------------------------------------


def test_a_maildir_that_can_be_written_or_made_is_none_to_tell_of(
    tmp_path: Path,
) -> None:
    assert why_not_writable(tmp_path) == ""
    assert why_not_writable(tmp_path / "isp" / "mail") == ""


def test_a_maildir_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert why_not_writable(tmp_path / "file") == f"{tmp_path}/file is no folder"
    assert why_not_writable(tmp_path / "file/a") == f"{tmp_path}/file is no folder"
    assert why_not_writable(tmp_path / "link") == f"{tmp_path}/link is no folder"


def test_a_maildir_that_may_not_be_written_is_told_with_who_asks() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sealed = Path(folder)
        sealed.chmod(0o555)
        told = as_nobody(lambda: why_not_writable(sealed / "isp"))
        assert told.startswith(f"{sealed} may not be written by ")
        assert told.endswith(f", where {sealed}/isp would be made")
        itself = as_nobody(lambda: why_not_writable(sealed))
        assert itself == told.partition(",")[0]


def as_nobody(ask: Callable[[], str]) -> str:
    """The answer that a process without rights gives."""
    if os.getuid():
        return ask()
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            os.setuid(65534)
            os.write(writing, ask().encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading, encoding="utf-8") as stream:
        return stream.read()


# -- how things stand ------------------------------------------------------------------


def remember(
    workplace: Workplace, state: str, detail: str = "", minutes: float = 0
) -> None:
    """Have the maildrop in this state, last visited so long ago."""

    async def run(store: SqlStore) -> None:
        now = datetime.now(UTC)
        await store.report_watch(WatchReport("isp", "INBOX", state, detail, now, None))
        checked = now - timedelta(minutes=minutes)
        await store.adopt("isp", "INBOX", Cursor(7, 5, checked))

    with_store(workplace, run)


def while_running(workplace: Workplace, *arguments: str) -> Ended:
    """The status while a daemon has the store open."""

    async def run() -> Ended:
        async with open_service(load_configuration(workplace.settings)):
            return await asyncio.to_thread(workplace.run, "status", *arguments)

    return asyncio.run(run())


def test_between_two_visits_an_account_is_polling(workplace: Workplace) -> None:
    furnish(workplace, more='poll = "1d"')
    remember(workplace, "polling", minutes=200)
    done = while_running(workplace)
    (row,) = [line for line in done.out.splitlines() if "INBOX" in line]
    assert row.split() == ["INBOX", "polling", "3", "h", "ago"]
    assert while_running(workplace, "--monitor").out.startswith("POSTROOM OK - ")


@pytest.mark.parametrize(
    ("poll", "minutes", "verdict"),
    [
        ('"1h"', 62, "WARNING - isp/INBOX retrying for 2 min: no route"),
        ('"1h"', 76, "CRITICAL - isp/INBOX retrying for 16 min: no route"),
        ('"5m"', 16, "WARNING - isp/INBOX retrying for 11 min: no route"),
        ('"1d"', 60, "WARNING - isp/INBOX retrying for "),
        ('{ cron = "* * * * *" }', 78, "CRITICAL - isp/INBOX retrying for 7"),
        ('{ cron = "0 0 29 feb *" }', 78, "WARNING - isp/INBOX retrying for "),
    ],
)
def test_a_maildrop_fails_from_when_it_was_to_be_visited(
    workplace: Workplace, poll: str, minutes: float, verdict: str
) -> None:
    """Not from the last visit, which may lie long ago."""
    furnish(workplace, more=f"poll = {poll}")
    remember(workplace, "retrying", "no route", minutes)
    told = while_running(workplace, "--monitor").out
    assert told.startswith(f"POSTROOM {verdict}"), told
