"""A login is a proof of who one is, and its refusal says what to do about it."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode

import pytest

from postroom.errors import (
    AbsentMailbox,
    AuthenticationError,
    PermanentError,
    PostroomError,
    RefusedForNow,
    TemporaryError,
    TooManyConnections,
)
from postroom.transport.imap.login import proof
from tests.transport.imap.scripted import Peer, Play, account_at, theatre
from tests.transport.served import opened


def log_in(play: Play, password: str | None = "secret") -> None:
    """Open the INBOX of an account and close it."""

    async def main() -> None:
        async with asyncio.timeout(30), theatre(play) as port:
            account = account_at(port, password=password)
            async with opened(account):
                pass

    asyncio.run(main())


async def greet(peer: Peer, capabilities: str = "IMAP4rev1") -> None:
    """Greet a client that is about to log in."""
    peer.say("* OK hello")
    await peer.answer("CAPABILITY", f"* CAPABILITY {capabilities}")


async def let_in(peer: Peer) -> None:
    """Go on with a client that has logged in."""
    await peer.answer("CAPABILITY", "* CAPABILITY IMAP4rev1")
    await peer.answer('LIST "" ""', '* LIST () "/" ""')
    await peer.select()
    await peer.end()


# -- what a refusal means --------------------------------------------------------------

# What each code of RFC 5530, section 3 means at LOGIN, and at SELECT. At LOGIN it is in
# doubt the password: a wrong one that is said again and again gets the account locked.
CODES: dict[str, tuple[type[PostroomError], type[PostroomError]]] = {
    "UNAVAILABLE": (RefusedForNow, RefusedForNow),
    "AUTHENTICATIONFAILED": (AuthenticationError, PermanentError),
    "AUTHORIZATIONFAILED": (AuthenticationError, PermanentError),
    "EXPIRED": (AuthenticationError, PermanentError),
    "PRIVACYREQUIRED": (PermanentError, PermanentError),
    "CONTACTADMIN": (AuthenticationError, PermanentError),
    "NOPERM": (AuthenticationError, PermanentError),
    "INUSE": (TooManyConnections, RefusedForNow),
    "EXPUNGEISSUED": (AuthenticationError, RefusedForNow),
    "CORRUPTION": (RefusedForNow, RefusedForNow),
    "SERVERBUG": (RefusedForNow, RefusedForNow),
    "CLIENTBUG": (AuthenticationError, PermanentError),
    "CANNOT": (AuthenticationError, PermanentError),
    "LIMIT": (TooManyConnections, RefusedForNow),
    "OVERQUOTA": (RefusedForNow, RefusedForNow),
    "ALREADYEXISTS": (AuthenticationError, PermanentError),
    "NONEXISTENT": (AuthenticationError, AbsentMailbox),
}
# Of these nothing else may be said than what they are.
SPECIAL = (AuthenticationError, TooManyConnections, AbsentMailbox)


def is_exactly(error: PostroomError, expected: type[PostroomError]) -> bool:
    """True if it is that, and none of the special errors that it is not."""
    others = tuple(each for each in SPECIAL if each is not expected)
    return isinstance(error, expected) and not isinstance(error, others)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("no", ["NO", "no"])
def test_the_code_of_a_refused_login_says_what_to_do(code: str, no: str) -> None:
    written = code if no.isupper() else code.lower()

    async def server(peer: Peer) -> None:
        await greet(peer)
        await peer.answer("LOGIN", end=f"{no} [{written}] why")
        await peer.end()

    with pytest.raises(CODES[code][0], match="why") as raised:
        log_in(server)
    assert is_exactly(raised.value, CODES[code][0])


@pytest.mark.parametrize("code", CODES)
def test_the_code_of_a_refused_select_says_what_to_do(code: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer("SELECT", end=f"NO [{code}] why")
        await peer.end()

    with pytest.raises(CODES[code][1], match="why") as raised:
        log_in(server)
    assert is_exactly(raised.value, CODES[code][1])


TEXTS: dict[str, type[PostroomError]] = {
    "NO wrong": AuthenticationError,
    "NO [ALERT] Invalid credentials (Failure)": AuthenticationError,
    "NO Too many login failures": AuthenticationError,
    "BAD what": AuthenticationError,
    "BAD [NOPERM] what": AuthenticationError,
    "BAD [PRIVACYREQUIRED] not here": PermanentError,
    "BAD [UNAVAILABLE] later": RefusedForNow,
    "NO [ALERT] Too many simultaneous connections. (Failure)": TooManyConnections,
    "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded"
    " (mail_max_userip_connections=10)": TooManyConnections,
    "NO [AUTHENTICATIONFAILED] too many open sessions": TooManyConnections,
    "BAD max connections reached": TooManyConnections,
    "NO Connection limit exceeded": TooManyConnections,
    "BAD User is authenticated but not connected.": RefusedForNow,
    "NO User is authenticated but not connected.": RefusedForNow,
}


@pytest.mark.parametrize("refusal", TEXTS)
def test_the_text_of_a_refused_login_says_what_the_code_does_not(refusal: str) -> None:
    async def server(peer: Peer) -> None:
        await greet(peer)
        await peer.answer("LOGIN", end=refusal)
        await peer.end()

    with pytest.raises(TEXTS[refusal]) as raised:
        log_in(server)
    assert is_exactly(raised.value, TEXTS[refusal])


@pytest.mark.parametrize("result", ["BAD", "NO"])
def test_a_store_that_is_away_is_back_later(result: str) -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.answer(
            "SELECT", end=f"{result} User is authenticated but not connected"
        )
        await peer.end()

    with pytest.raises(RefusedForNow, match="not connected"):
        log_in(server)


@pytest.mark.parametrize(
    ("farewell", "full"),
    [
        ("* BYE [UNAVAILABLE] Maximum number of connections exceeded", True),
        ("* BYE Too many connections from your address", True),
        ("* BYE [LIMIT] come back later", True),
        ("* BYE [UNAVAILABLE] going down", False),
        ("* BYE Connection is closed. 13", False),
    ],
)
@pytest.mark.parametrize("when", ["greeting", "CAPABILITY", "LOGIN"])
def test_a_farewell_before_the_login_says_whether_it_is_full(
    farewell: str, full: bool, when: str
) -> None:
    async def server(peer: Peer) -> None:
        if when == "LOGIN":
            await greet(peer)
            await peer.expect("LOGIN")
            peer.say(farewell)
        elif when == "CAPABILITY":
            peer.say(f"* OK hello\r\n{farewell}")
        else:
            peer.say(farewell)
        await peer.gone()

    with pytest.raises(TemporaryError, match=r"the server said BYE: .") as raised:
        log_in(server)
    assert isinstance(raised.value, TooManyConnections) == full


def test_a_farewell_after_the_login_says_nothing_of_how_full_it_is() -> None:
    async def server(peer: Peer) -> None:
        await peer.log_in()
        await peer.expect("SELECT")
        peer.say("* BYE too many connections")
        await peer.gone()

    with pytest.raises(TemporaryError, match="too many") as raised:
        log_in(server)
    assert not isinstance(raised.value, RefusedForNow)  # this connection is not fine


# -- how it is proved ------------------------------------------------------------------


def test_no_password_is_sent_where_login_is_disabled() -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, "IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2")
        await peer.end()

    with pytest.raises(PermanentError, match="passwords are refused"):
        log_in(server)


PLAIN = b64encode("\0ann\0pä".encode()).decode()
DISABLED = "IMAP4rev1 LOGINDISABLED AUTH=PLAIN"


def test_a_password_is_sent_by_plain_where_only_that_is_offered() -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, DISABLED)
        tag = await peer.expect("AUTHENTICATE PLAIN")
        assert peer.heard[-1] == "AUTHENTICATE PLAIN"
        peer.say("+ ")
        assert await peer.line() == PLAIN
        peer.say(f"{tag} OK in")
        await let_in(peer)

    log_in(server, "pä")


def test_a_password_is_sent_at_once_where_the_server_takes_it() -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, DISABLED + " SASL-IR")
        await peer.answer(f"AUTHENTICATE PLAIN {PLAIN}")
        await let_in(peer)

    log_in(server, "pä")


def test_plain_is_not_used_where_login_will_do() -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, "IMAP4rev1 AUTH=PLAIN AUTH=EXTERNAL SASL-IR")
        await peer.answer('LOGIN "ann" "secret"')
        await let_in(peer)

    log_in(server)


@pytest.mark.parametrize("mechanism", ["PLAIN", "EXTERNAL"])
def test_a_refusal_after_the_continuation_is_one_of_the_credentials(
    mechanism: str,
) -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, f"LOGINDISABLED AUTH={mechanism}")
        tag = await peer.expect(f"AUTHENTICATE {mechanism}")
        peer.say("+")
        await peer.line()
        peer.say(f"{tag} NO no")
        await peer.end()

    with pytest.raises(AuthenticationError, match="AUTHENTICATE was refused"):
        log_in(server, None if mechanism == "EXTERNAL" else "secret")


def test_a_certificate_logs_in_without_a_password() -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, "IMAP4rev1 AUTH=EXTERNAL SASL-IR")
        await peer.answer("AUTHENTICATE EXTERNAL =")
        await let_in(peer)

    log_in(server, None)


def test_a_certificate_logs_in_when_the_server_asks_who_it_is() -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, "IMAP4rev1 auth=external")
        tag = await peer.expect("AUTHENTICATE EXTERNAL")
        assert peer.heard[-1] == "AUTHENTICATE EXTERNAL"
        peer.say("+ ")
        assert await peer.line() == ""
        peer.say(f"{tag} OK in")
        await let_in(peer)

    log_in(server, None)


def test_a_server_that_takes_no_certificate_is_told_nothing() -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, "IMAP4rev1 AUTH=PLAIN")
        await peer.end()

    with pytest.raises(PermanentError, match="AUTH=EXTERNAL"):
        log_in(server, None)


@pytest.mark.parametrize(
    "capabilities", ["AUTH=PLAIN LOGINDISABLED", "LOGINDISABLED AUTH=PLAIN SASL-IR", ""]
)
def test_a_password_is_neither_logged_nor_shown(
    capabilities: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, f"IMAP4rev1 {capabilities}")
        tag = await peer.expect("")
        if "SASL-IR" not in capabilities and "PLAIN" in capabilities:
            peer.say("+ ")
            await peer.line()
        peer.say(f"{tag} NO [AUTHENTICATIONFAILED] no")
        await peer.end()

    secret = "swordfish"
    encoded = b64encode(f"\0ann\0{secret}".encode()).decode()
    with caplog.at_level(logging.DEBUG), pytest.raises(AuthenticationError) as raised:
        log_in(server, secret)
    shown = (
        caplog.text
        + str(raised.value)
        + repr(proof(capabilities.split(), "ann", secret))
    )
    assert secret not in shown
    assert encoded not in shown


@pytest.mark.parametrize("capabilities", [DISABLED, "IMAP4rev1"])
def test_a_password_that_can_be_none_is_never_sent(capabilities: str) -> None:
    async def server(peer: Peer) -> None:
        await greet(peer, capabilities)
        await peer.end()

    with pytest.raises(PermanentError):
        log_in(server, "a\0b")
