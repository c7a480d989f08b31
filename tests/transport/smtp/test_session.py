"""A session is in TLS as demanded and logged in, or it is none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postroom.errors import AuthenticationError, TemporaryError
from postroom.transport.smtp import SmtpRelay
from postroom.transport.tls import Tls, Trust
from tests.servers.certificates import Certificates
from tests.servers.programs import free_ports
from tests.servers.sink import RecordingSmtp, recording_smtp
from tests.servers.sink import Tls as Spoken
from tests.transport.smtp.dealings import HASTY, dealings, forget, outgoing, submission
from tests.transport.smtp.scripted import (
    HANG_UP,
    SILENCE,
    ScriptedServer,
    scripted_server,
)

AUTH = ("AUTH PLAIN LOGIN CRAM-MD5", "SIZE 1000000")
both_ways = pytest.mark.parametrize(
    ("tls", "spoken"), [(Tls.IMPLICIT, "tls"), (Tls.STARTTLS, "starttls")]
)


async def send_once(relay: SmtpRelay) -> None:
    """Send one message and close."""
    message = outgoing()
    try:
        await relay.send(message, message.envelope.recipients, forget)
    finally:
        await relay.close()


def relay_to(sink: RecordingSmtp, tls: Tls, trust: Trust) -> SmtpRelay:
    """A relay that logs in at the sink."""
    return SmtpRelay(submission(sink.port, tls, trust, password=lambda: "secret"))


@both_ways
def test_mail_goes_through_tls_and_a_login(
    certificates: Certificates, tls: Tls, spoken: Spoken
) -> None:
    trust = Trust(certificates.authority)
    with recording_smtp(certificates, spoken, login=True) as sink:
        asyncio.run(send_once(relay_to(sink, tls, trust)))
        assert len(sink.received) == 1


@both_ways
def test_a_certificate_of_a_strange_authority_is_refused(
    certificates: Certificates, tls: Tls, spoken: Spoken
) -> None:
    with (
        recording_smtp(certificates, spoken, login=True) as sink,
        pytest.raises(TemporaryError, match=r"(?i)certificate"),
    ):
        asyncio.run(send_once(relay_to(sink, tls, Trust())))
    assert sink.received == []


@both_ways
def test_a_certificate_for_another_name_is_refused(
    tmp_path: Path, tls: Tls, spoken: Spoken
) -> None:
    strangers = Certificates.issue(tmp_path, "elsewhere.example")
    trust = Trust(strangers.authority)
    with (
        recording_smtp(strangers, spoken, login=True) as sink,
        pytest.raises(TemporaryError, match=r"(?i)certificate"),
    ):
        asyncio.run(send_once(relay_to(sink, tls, trust)))
    assert sink.received == []


@pytest.mark.parametrize(
    "answer",
    [None, b"454 4.7.0 not now\r\n", b"220 go\r\n235 you are in\r\n250 OK\r\n"],
)
def test_a_server_without_starttls_hears_no_password_and_no_mail(
    certificates: Certificates, answer: bytes | None
) -> None:
    async def scenario() -> list[str]:
        offered = ("STARTTLS",) if answer else ()
        script = ScriptedServer((*AUTH, *offered), {"STARTTLS": answer})
        async with scripted_server(script) as server:
            trust = Trust(certificates.authority)
            relay = SmtpRelay(
                submission(server.port, Tls.STARTTLS, trust, password=lambda: "secret")
            )
            with pytest.raises(TemporaryError):
                await send_once(relay)
            return server.said

    said = asyncio.run(scenario())
    assert {line.split()[0] for line in said} <= {"EHLO", "STARTTLS", "QUIT"}


@pytest.mark.parametrize(
    "replies",
    [
        {"GREETING": HANG_UP},
        {"GREETING": SILENCE},
        {"GREETING": b"554 no service\r\n"},
        {"GREETING": b"421 too busy\r\n"},
        {"GREETING": b"SSH-2.0-OpenSSH\r\n"},
        {"EHLO": HANG_UP},
        {"EHLO": SILENCE},
        {"EHLO": b"550 go away\r\n", "HELO": b"550 go away\r\n"},
        {"EHLO": b"250-x\r\n" * 100_000},
    ],
)
def test_a_server_that_makes_no_session_is_a_temporary_error(
    replies: dict[str, bytes | None],
) -> None:
    async def scenario() -> None:
        async with dealings(ScriptedServer(replies=replies), timings=HASTY) as post:
            with pytest.raises(TemporaryError, match=str(post.server.port)):
                await post.send(outgoing())
            assert post.announced == []

    asyncio.run(scenario())


def test_a_port_that_nobody_listens_on_is_a_temporary_error() -> None:
    [port] = free_ports(1)
    with pytest.raises(TemporaryError, match=str(port)):
        asyncio.run(send_once(SmtpRelay(submission(port))))


def test_a_host_name_that_can_not_exist_is_a_temporary_error() -> None:
    with pytest.raises(TemporaryError, match=r"a\.\.b"):
        asyncio.run(send_once(SmtpRelay(submission(25, host="a..b"))))


# -- logging in ------------------------------------------------------------------------


@pytest.mark.parametrize("code", [530, 534, 535])
def test_a_refused_password_is_tried_once_and_not_by_every_mechanism(code: int) -> None:
    async def scenario() -> None:
        script = ScriptedServer(AUTH, {"AUTH": b"%d 5.7.8 wrong\r\n" % code})
        async with dealings(script, password=lambda: "wrong") as post:
            with pytest.raises(AuthenticationError, match=str(code)):
                await post.send(outgoing())
            assert len(post.server.commands("AUTH")) == 1
            assert post.server.commands("MAIL") == []

    asyncio.run(scenario())


def test_a_login_that_can_not_be_checked_now_is_a_temporary_error() -> None:
    async def scenario() -> None:
        script = ScriptedServer(AUTH, {"AUTH": b"454 4.7.0 try later\r\n"})
        async with dealings(script, password=lambda: "right") as post:
            with pytest.raises(TemporaryError, match="454"):
                await post.send(outgoing())

    asyncio.run(scenario())


def test_a_mechanism_that_the_server_does_not_know_after_all_gives_way() -> None:
    async def scenario() -> None:
        replies: dict[str, bytes | None] = {
            "AUTH PLAIN": b"504 5.5.4 unknown\r\n",
            "AUTH LOGIN": b"334 UGFzc3dvcmQ6\r\n",
            "c2VjcmV0": b"235 2.7.0 OK\r\n",
        }
        async with dealings(
            ScriptedServer(AUTH, replies), password=lambda: "secret"
        ) as post:
            await post.send(outgoing())
            assert len(post.server.contents) == 1

    asyncio.run(scenario())


def test_a_server_without_a_login_refuses_the_credentials() -> None:
    async def scenario() -> None:
        async with dealings(password=lambda: "secret") as post:
            with pytest.raises(AuthenticationError, match="no way to log in"):
                await post.send(outgoing())

    asyncio.run(scenario())


def test_a_changed_password_is_used_at_the_next_login() -> None:
    async def scenario() -> None:
        passwords = iter(["old", "new"])
        refusal: dict[str, bytes | None] = {
            "AUTH PLAIN AHBvc3Ryb29tAG9sZA==": b"535 5.7.8 wrong\r\n"
        }
        script = ScriptedServer(AUTH, refusal)
        async with dealings(script, password=lambda: next(passwords)) as post:
            with pytest.raises(AuthenticationError):
                await post.send(outgoing())
            await post.send(outgoing())
            assert len(post.server.contents) == 1

    asyncio.run(scenario())


# -- asking and closing ----------------------------------------------------------------


def test_a_probe_tells_the_extensions_and_takes_its_leave() -> None:
    async def scenario() -> None:
        async with dealings(ScriptedServer(AUTH), password=lambda: "secret") as post:
            assert await post.relay.probe() == {
                "AUTH PLAIN LOGIN CRAM-MD5",
                "SIZE 1000000",
                "HELP",
            }
            assert post.server.said[-1] == "QUIT"

    asyncio.run(scenario())


@pytest.mark.parametrize("reply", [SILENCE, HANG_UP, b"500 what?\r\n", b"\x00"])
def test_closing_never_raises_and_never_waits_long(reply: bytes | None) -> None:
    async def scenario() -> None:
        script = ScriptedServer(replies={"QUIT": reply})
        async with dealings(script, timings=HASTY) as post, asyncio.timeout(3):
            await post.send(outgoing())
            await post.relay.close()
            await post.relay.close()

    asyncio.run(scenario())
