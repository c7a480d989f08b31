"""`postroom check` tells every problem of every file; --connect asks the servers."""

from __future__ import annotations

import asyncio
import json
import unicodedata

from tests.commands.workplace import RULES, Workplace
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp, recording_smtp
from tests.transport.imap.scripted import Peer, theatre


def test_without_a_problem_it_says_what_it_read(workplace: Workplace) -> None:
    done = workplace.run("check")
    assert done.code == 0
    told = f"{workplace.settings}: 1 account(s), 2 rule(s), no problems."
    assert done.out.strip() == told
    assert not (workplace.folder / "state").exists()


def test_every_problem_is_told_and_the_code_is_78(workplace: Workplace) -> None:
    """Of the settings, the secrets and each rule; nobody has to call it twice."""
    workplace.write(
        more='keep = "14d"\n[account.away]\naddress = "nobody"\n',
        rules=RULES.replace("subject", "subjekt").replace("flag", "flga"),
    )
    (workplace.folder / "rules.d" / "20-more.toml").write_text("[[rule]\n")
    done = workplace.run("check")
    assert done.code == 78
    problems = done.err.splitlines()
    for part in ("account.home.keep", "account.away", "subjekt", "flga", "20-more"):
        assert any(part in problem for problem in problems), part
    assert problems[-1] == f"{len(problems) - 1} problems; nothing was done."
    assert done.out == ""


def test_one_problem_is_one_problem(workplace: Workplace) -> None:
    (workplace.folder / "word").chmod(0o644)
    done = workplace.run("check")
    assert done.code == 78
    assert "chmod 600" in done.err
    assert done.err.splitlines()[-1] == "1 problem; nothing was done."


def test_settings_that_are_not_there_are_a_problem(workplace: Workplace) -> None:
    workplace.settings.unlink()
    done = workplace.run("check")
    assert done.code == 78
    assert str(workplace.settings) in done.err


def test_a_credential_outside_of_the_unit_is_a_warning(workplace: Workplace) -> None:
    text = workplace.settings.read_text()
    secret = f"file:{workplace.folder}/word"
    workplace.settings.write_text(text.replace(secret, "credential:home"))
    done = workplace.run("check")
    assert done.code == 0
    assert "warning: " in done.out
    assert "credential home" in done.out


def test_every_server_is_asked(
    workplace: Workplace, dovecot: DovecotServer, sink: RecordingSmtp
) -> None:
    user = dovecot.new_user()
    workplace.write(
        dovecot.address(user),
        dovecot.password,
        dovecot.ports.imap,
        sink.port,
        more='watch = ["INBOX", "Not [there]"]\n',
    )
    done = workplace.run("check", "--connect")
    assert done.code == 0, done
    assert "account home: imap: logged in; it has IDLE, MOVE, UIDPLUS" in done.out
    assert "account home: watch: there is no mailbox Not [there] yet" in done.out
    assert "account home: smtp: connected; it has 8BITMIME, SMTPUTF8" in done.out
    assert dovecot.mailboxes(user).keys() == {"INBOX"}


def test_an_absent_mailbox_is_told_with_the_one_that_may_be_meant(
    workplace: Workplace, dovecot: DovecotServer, sink: RecordingSmtp
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, "Archive", "Invoices", "Entw&APw-rfe", "All/Spam")
    # Accents may be written in two ways; INBOX alone has no case.
    decomposed = unicodedata.normalize("NFD", "Entwürfe")
    absent = {
        "Archiv": "; the server has Archive",
        "Junk": "; the server has All/Spam",
        "INVOICE": "; the server has Invoices",
        "invoices": "; the server has Invoices",
        "Bills": "",
    }
    watched = json.dumps(["inbox", "Invoices", decomposed, *absent])
    workplace.write(
        dovecot.address(user),
        dovecot.password,
        dovecot.ports.imap,
        sink.port,
        more=f"watch = {watched}\n",
    )
    lines = workplace.run("check", "--connect").out.splitlines()
    told = [line for line in lines if "there is no mailbox" in line]
    assert told == [
        f"account home: watch: there is no mailbox {name} yet{instead}"
        for name, instead in absent.items()
    ]


def test_servers_that_are_away_are_all_told(workplace: Workplace) -> None:
    done = workplace.run("check", "--connect")
    assert done.code == 1
    assert "account home: imap: " in done.out
    assert "account home: smtp: " in done.out
    assert done.out.count("127.0.0.1:9") == 2


def test_a_wrong_password_is_told_without_it(
    workplace: Workplace, dovecot: DovecotServer
) -> None:
    with recording_smtp(login=True) as smtp:
        address = dovecot.address(dovecot.new_user())
        workplace.write(address, imap=dovecot.ports.imap, smtp=smtp.port)
        text = workplace.settings.read_text()
        workplace.settings.write_text(text.replace(", auth = false", ""))
        done = workplace.run("check", "--connect")
    assert done.code == 1
    assert "imap: " in done.out
    assert "smtp: " in done.out
    assert "logged in" not in done.out
    assert "canary-7d1f" not in done.out + done.err


def test_what_a_server_says_can_not_act_on_the_terminal(workplace: Workplace) -> None:
    async def refuse(peer: Peer) -> None:
        peer.say("* OK hello")
        await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
        await peer.answer("LOGIN", end="NO \x1b]0;owned\x07 [/] canary-7d1f")
        await peer.end()

    async def run() -> str:
        async with asyncio.timeout(30), theatre(refuse) as port:
            workplace.write(imap=port)
            return (await asyncio.to_thread(workplace.run, "check", "--connect")).out

    told = asyncio.run(run())
    assert "[/] [secret]" in told
    assert "\x1b" not in told
    assert "\x07" not in told
