"""The whole playground: real servers, the real daemon, the sample mail and rules."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from postroom.commands.demo.audience import Handled
from postroom.commands.demo.imap import HOST, Stored
from postroom.commands.demo.maildir import Filed, read_maildir
from postroom.commands.demo.samples import (
    BOOKS,
    HOME,
    ISP,
    ISP_OWNER,
    OWNER,
    SAMPLES,
    SEEN,
    Sample,
)
from postroom.commands.demo.smtp import Departed
from postroom.commands.demo.stage import open_stage
from postroom.rules.effects import FileInto, SetFlags

ADDRESSES = {HOME: OWNER, ISP: ISP_OWNER}
LETTERS = {"\\Seen": "S", "\\Flagged": "F"}
PLAY = "from postroom.commands.demo import main; raise SystemExit(main(once=False))"


class Played:
    """What became of the samples."""

    def __init__(self, folder: Path) -> None:
        self.handled: list[Handled] = []
        self.mailboxes: dict[str, list[Stored]] = {}
        # What is in the Maildir, and each file's octets.
        self.filed: list[tuple[Filed, bytes]] = []
        self.left: list[bytes] = []
        self.departed: list[Departed] = []
        asyncio.run(self._play(folder))

    async def _play(self, folder: Path) -> None:
        async with asyncio.timeout(60), open_stage(folder) as stage:
            for sample in SAMPLES:
                self.handled.append(await stage.deliver(sample))
            await stage.until_settled()
            filed = read_maildir(stage.maildir)
            self.filed = [(one, one.content) for one in filed]
            self.mailboxes = await stage.servers.imap.mailboxes()
            self.left = stage.servers.pop3.messages()
            self.departed = stage.servers.smtp.departed

    def found(self, raw: bytes) -> list[tuple[str, str, str]]:
        """Where these octets are: accounts, mailboxes or folders, flags."""
        on_server = [
            (HOME, name, letters(stored.flags))
            for name, messages in self.mailboxes.items()
            for stored in messages
            if stored.content == raw
        ]
        in_maildir = [
            (ISP, filed.folder, filed.path.name.partition(":2,")[2])
            for filed, content in self.filed
            if content == raw.replace(b"\r\n", b"\n")
        ]
        return on_server + in_maildir

    def sent_on(self, raw: bytes) -> list[Departed]:
        """The messages that left with these octets inside."""
        return [departed for departed in self.departed if raw in departed.content]

    def answers(self, raw: bytes) -> list[Departed]:
        """The messages that left in reply to this one; none to one without a name."""
        name = message_from_bytes(raw)["Message-ID"]
        return [
            departed
            for departed in self.departed
            if name and message_from_bytes(departed.content)["In-Reply-To"] == name
        ]


def letters(flags: frozenset[str]) -> str:
    """Flags as the name of a file in a Maildir has them."""
    return "".join(sorted(LETTERS[flag] for flag in flags))


def folder_of(sample: Sample) -> str:
    """Where the sample ends, as its account names it."""
    if sample.account == HOME:
        return sample.mailbox
    inbox = sample.mailbox == "INBOX"
    return "" if inbox else "." + sample.mailbox.replace("/", ".")


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """One run of the playground for all tests that look at its end."""
    with TemporaryDirectory() as name:
        yield Played(Path(name))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_each_sample_ends_where_it_says(sample: Sample, played: Played) -> None:
    """In that mailbox or folder, with these flags, its octets unchanged; and nowhere
    else."""
    expected = (sample.account, folder_of(sample), letters(sample.flags))
    assert played.found(sample.raw) == [expected]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_each_sample_is_sent_on_to_whom_it_says(sample: Sample, played: Played) -> None:
    """By the owner, with the original unchanged inside."""
    found = [(sent.sender, sent.recipients) for sent in played.sent_on(sample.raw)]
    owner = ADDRESSES[sample.account]
    expected = [(owner, sample.sent_on_to)] if sample.sent_on_to else []
    assert found == expected


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_each_sample_is_answered_if_it_says_so(sample: Sample, played: Played) -> None:
    """By the owner, and marked as what a machine sends."""
    answers = played.answers(sample.raw)
    found = [(sent.sender, sent.recipients) for sent in answers]
    expected = [(OWNER, sample.answered_to)] if sample.answered_to else []
    assert found == expected
    assert all(b"Auto-Submitted: auto-replied" in sent.content for sent in answers)


def test_nothing_went_wrong_and_nothing_else_left(played: Played) -> None:
    """Every plan was carried out."""
    assert [handled.troubles for handled in played.handled] == [()] * len(SAMPLES)
    sending = [bool(each.sent_on_to or each.answered_to) for each in SAMPLES]
    assert len(played.departed) == sum(sending)


def test_at_the_end_the_maildrop_is_empty(played: Played) -> None:
    """What is safe in the Maildir, and sent on, is removed from the POP3 server."""
    in_maildir = [sample for sample in SAMPLES if sample.account == ISP]
    assert (played.left, len(played.filed)) == ([], len(in_maildir))


def test_any_mail_program_can_read_the_maildir(played: Played) -> None:
    """The names of its folders and files are those that everyone knows."""
    for filed, _ in played.filed:
        assert filed.path.name.count(":2,") == (filed.path.parent.name == "cur")
        assert f",S={filed.path.stat().st_size}," in filed.path.name


def test_a_subject_with_a_line_break_makes_no_field(played: Played) -> None:
    """What was decoded from an encoded word stays inside the subject."""
    [injection] = [sample for sample in SAMPLES if sample.name == "an injected header"]
    [sent] = played.sent_on(injection.raw)
    header = message_from_bytes(sent.content)
    assert sent.recipients == (BOOKS,)
    assert header["Bcc"] is None
    assert header["Subject"] == "Fwd: Invoice 666 Bcc: victim@badly.example"


@pytest.mark.parametrize("account", [HOME, ISP])
def test_what_one_sends_goes_through_the_rules(account: str, tmp_path: Path) -> None:
    """To the owner of either account, as the invitation promises."""

    def send(port: int) -> None:
        with smtplib.SMTP(HOST, port) as client:
            client.sendmail("me@away.example", [ADDRESSES[account]], SAMPLES[0].raw)

    async def scenario() -> Handled:
        async with asyncio.timeout(60), open_stage(tmp_path) as stage:
            await asyncio.to_thread(send, stage.servers.smtp.port)
            return await stage.audiences[account].until_handled()

    handled = asyncio.run(scenario())
    effects = [planned.effect for planned in handled.plan.effects]
    assert handled.troubles == ()
    assert effects == [SetFlags(SEEN), FileInto("Newsletters")]


def test_without_a_terminal_it_ends_by_itself(tmp_path: Path) -> None:
    """With exit code 0 and the results, leaving no file behind."""
    ended = subprocess.run(
        [sys.executable, "-c", PLAY],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "each mailbox of the IMAP server" in ended.stdout
    assert "each folder of the Maildir" in ended.stdout
    assert "The POP3 server is empty" in ended.stdout
    assert "What left by SMTP" in ended.stdout
    assert "Ctrl-C" not in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_it_stays_until_it_is_interrupted(tmp_path: Path) -> None:
    """And tells how to connect before."""
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PLAY],
        env={**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm"},
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = read_until(screen, b"Ctrl-C ends")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    os.close(screen)
    assert str(tmp_path).encode() in shown
    assert OWNER.encode() in shown
    assert list(tmp_path.iterdir()) == []


def read_until(screen: int, wanted: bytes) -> bytes:
    """What a program shows up to and with this."""
    shown = b""
    while wanted not in shown:
        shown += os.read(screen, 4096)
    return shown


def test_without_the_extra_it_tells_what_to_install() -> None:
    """The servers are no part of a plain installation."""
    program = f"import sys; sys.modules['pymap'] = None; {PLAY}"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "pip install '.[demo]'" in ended.stdout
