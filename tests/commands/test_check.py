"""`postroom check` tells every problem of every file; --connect asks the servers."""

from __future__ import annotations

import asyncio
import io
import json
import unicodedata

import pytest
from rich.console import Console

from postroom.commands.abilities import Told
from postroom.commands.connecting import Answer, ask_servers
from postroom.commands.findings import show_findings
from postroom.commands.servers import show_servers
from postroom.config.configuration import load_configuration
from postroom.errors import Problem
from tests.commands.workplace import RULES, Workplace
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp, recording_smtp
from tests.transport.imap.scripted import Peer, theatre


def test_without_a_problem_it_says_what_it_read(workplace: Workplace) -> None:
    done = workplace.run("check")
    assert done.code == 0
    told = f"{workplace.settings}: 1 account, 2 rules, no problems."
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
    problems = done.out.splitlines()
    for part in ("account.home.keep", "account.away", "subjekt", "flga", "20-more"):
        assert any(part in problem for problem in problems), part
    assert problems[-1] == f"{len(problems) - 1} problems; nothing was done."
    assert all(line.startswith(str(workplace.folder)) for line in problems[:-1])
    assert done.err == ""


def test_one_problem_is_one_problem(workplace: Workplace) -> None:
    (workplace.folder / "word").chmod(0o644)
    done = workplace.run("check")
    assert done.code == 78
    assert "chmod 600" in done.out
    assert done.out.splitlines()[-1] == "1 problem; nothing was done."


def test_settings_that_are_not_there_are_a_problem(workplace: Workplace) -> None:
    workplace.settings.unlink()
    done = workplace.run("check")
    assert done.code == 78
    assert str(workplace.settings) in done.out


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
    for told in (
        f"imap: 127.0.0.1:{dovecot.ports.imap}: it works",
        "imap: new mail: is told at once (IDLE)",
        "imap: moving: in one step (MOVE)",
        "imap: watch: there is no mailbox Not [there] yet",
        f"smtp: 127.0.0.1:{sink.port}: it works",
        "smtp: 8-bit text: is taken (8BITMIME)",
    ):
        assert f"account home: {told}" in done.out
    assert dovecot.mailboxes(user).keys() == {"INBOX"}


def test_an_absent_mailbox_is_told_with_the_one_that_may_be_meant(
    workplace: Workplace, dovecot: DovecotServer, sink: RecordingSmtp
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, "Archive", "Invoices", "Entw&APw-rfe", "All/Spam")
    # Accents may be written in two ways; INBOX alone has no case.
    decomposed = unicodedata.normalize("NFD", "Entwürfe")
    absent = {
        "Archiv": "; did you mean Archive?",
        "Junk": "; did you mean All/Spam?",
        "INVOICE": "; did you mean Invoices?",
        "invoices": "; did you mean Invoices?",
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
    told = [line for line in lines if "watch: there is no mailbox" in line]
    assert told == [
        f"account home: imap: watch: there is no mailbox {name} yet{instead}"
        for name, instead in absent.items()
    ]


def test_servers_that_are_away_are_all_told(workplace: Workplace) -> None:
    done = workplace.run("check", "--connect")
    assert done.code == 1
    assert "account home: imap: " in done.out
    assert "account home: smtp: " in done.out
    assert done.out.count("127.0.0.1:9") == 2
    unreached = "1 account could not be reached or refused the login."
    assert done.out.endswith(f": 1 account, 2 rules, {unreached}\n")


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


def test_a_mailbox_that_a_rule_names_and_that_is_not_there_is_told(
    workplace: Workplace, dovecot: DovecotServer, sink: RecordingSmtp
) -> None:
    """What is there under another name of its use is no mistake."""
    user = dovecot.new_user()
    dovecot.create(user, "Lists", "Spam")
    targets = ("Lists", "List", "Junk", "inbox", "Senders/{from.domain}")
    rules = "\n".join(
        f'[[rule]]\nname = "to {target}"\nwhen.subject = "x"\n'
        f'then = [ {{ move = "{target}" }} ]'
        for target in targets
    )
    where = (dovecot.ports.imap, sink.port)
    workplace.write(dovecot.address(user), dovecot.password, *where, rules=rules)
    done = workplace.run("check", "--connect")
    told = [line for line in done.out.splitlines() if "there is no mailbox" in line]
    assert told == [
        "account home: imap: rule 'to List': there is no mailbox List yet: it is made "
        "on first use; did you mean Lists?"
    ]
    assert "imap: mailboxes: Junk is Spam\n" in done.out


def test_programs_get_problems_warnings_and_servers(workplace: Workplace) -> None:
    rules = RULES.replace("subject", "subjekt")
    workplace.write(rules=rules)
    wrong = workplace.run("check", "--json")
    assert wrong.code == 78
    (problem,) = wrong.data["problems"]
    assert problem["rule"] == "Invoices [all]"
    assert problem["key"] == "when.subjekt"
    assert "did you mean 'subject'?" in problem["message"]
    workplace.write()
    data = workplace.run("check", "--connect", "--json").data
    assert data["problems"] == []
    assert [each["works"] for each in data["servers"]] == [False, False]
    assert "127.0.0.1:9" in data["servers"][0]["error"]


FINDINGS = [
    Problem("/etc/postroom/rules.d/10-all.toml", "too " + "long " * 40, "A", "when.x"),
    Problem("/etc/postroom/rules.d/10-all.toml", "short", "A", "then[2].move"),
    Problem("/etc/postroom/postroom.toml", "without a key"),
]


def screen(width: int) -> Console:
    """A terminal of that width, without colours."""
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        color_system=None,
        highlight=False,
    )


def drawn(console: Console) -> list[str]:
    """The lines on a screen."""
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 140])
def test_on_a_terminal_problems_stand_by_file_and_rule(width: int) -> None:
    console = screen(width)
    show_findings(console, FINDINGS, FINDINGS[2:])
    lines = drawn(console)
    assert max(map(len, lines)) <= width
    assert lines[0] == "3 problems"
    assert "  /etc/postroom/rules.d/10-all.toml" in lines
    assert lines.count("    rule 'A'") == 1
    first = next(line for line in lines if "too long" in line)
    assert first.startswith("      when.x        too long")
    after = lines[lines.index(first) + 1]
    assert after.startswith(" " * first.index("too") + "long")  # a hanging indent
    assert "1 warning" in lines


@pytest.mark.parametrize("width", [80, 140])
def test_on_a_terminal_a_server_is_a_table(width: int) -> None:
    console = screen(width)
    facts = (("new mail", "is told at once (IDLE)"), ("quota", "is told " * 30))
    remark = "watch: there is no mailbox Archiv yet; did you mean Archive?"
    told = Told("home", "imap", "imap.example.org:993", "", facts, (remark,))
    failed = Told("home", "smtp", "smtp.example.org:465", "it hung up")
    show_servers(console, [told, failed])
    lines = drawn(console)
    assert max(map(len, lines)) <= width
    assert lines[0] == "home imap  imap.example.org:993  works"
    assert lines[1] == "  new mail  is told at once (IDLE)"
    assert any(line.startswith("  look      watch: there is") for line in lines)
    assert "home smtp  smtp.example.org:465  failed" in lines
    assert "  why  it hung up" in lines


def test_a_server_that_answers_nothing_is_given_up(workplace: Workplace) -> None:
    async def silent(peer: Peer) -> None:
        await peer.gone()

    async def run() -> list[Answer]:
        async with asyncio.timeout(30), theatre(silent) as port:
            workplace.write(imap=port)
            configuration = load_configuration(workplace.settings)
            return list(await ask_servers(configuration, deadline=0.2))

    imap, smtp = asyncio.run(run())
    assert imap.error == "no answer within 0 s"
    assert "127.0.0.1:9" in smtp.error
