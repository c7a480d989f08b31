"""A session as it should be: who logs in how, and what is told, read and removed."""

from __future__ import annotations

import traceback
from base64 import b64encode

import pytest

from postroom.errors import (
    AuthenticationError,
    PermanentError,
    RefusedForNow,
    TemporaryError,
)
from postroom.log import register_secrets
from postroom.ports import Listed
from postroom.transport.pop3.connection import Connection, connected
from postroom.transport.pop3.login import Auth, Credentials, Plain
from tests.transport.pop3.dealings import PATIENT, at, letters, meet, reach, whole
from tests.transport.pop3.scripted import PopServer


def test_a_maildrop_is_listed_read_and_emptied() -> None:
    server = PopServer(letters(3))
    contents = list(server.messages.values())

    async def use(connection: Connection) -> None:
        listing = await connection.listing()
        assert listing == [
            Listed(number, len(raw), f"u{number}")
            for number, raw in enumerate(contents, start=1)
        ]
        read = await whole(connection.retrieve(listing))
        assert read == dict(enumerate(contents, start=1))
        assert await connection.headers([3, 1]) == {
            3: b"Subject: 3\r\n\r\n",
            1: b"Subject: 1\r\n\r\n",
        }
        await connection.prove()
        assert await connection.remove([1, 3]) == {1, 3}
        assert len(server.messages) == 3
        await connection.quit()
        assert list(server.messages) == ["u2"]

    meet(server, use)


def test_nothing_is_removed_without_a_quit() -> None:
    server = PopServer(letters(2))

    async def use(connection: Connection) -> None:
        assert await connection.remove([1, 2]) == {1, 2}

    meet(server, use)
    assert len(server.messages) == 2


def test_an_empty_maildrop_is_listed_as_empty() -> None:
    async def use(connection: Connection) -> None:
        assert await connection.listing() == []
        assert await whole(connection.retrieve([])) == {}
        assert await connection.headers([]) == {}
        assert await connection.remove([]) == frozenset()
        await connection.quit()

    meet(PopServer(), use)


def test_what_is_refused_is_told_or_left_out_and_the_others_are_there() -> None:
    server = PopServer(
        letters(3),
        lies={
            "RETR 2": b"-ERR \x1b[1mgone\r\n",
            "TOP 2": b"-ERR no\r\n",
            "DELE 2": b"-ERR no\r\n",
        },
    )

    async def use(connection: Connection) -> None:
        listing = await connection.listing()
        pieces = [piece async for piece in connection.retrieve(listing)]
        assert [(each.number, each.refusal) for each in pieces] == [
            (1, ""),
            (2, "\\x1b[1mgone"),
            (3, ""),
        ]
        assert (await connection.headers([1, 2, 3])).keys() == {1, 3}
        assert await connection.remove([1, 2, 3]) == {1, 3}
        await connection.quit()

    meet(server, use)
    assert list(server.messages) == ["u2"]


# -- what the server can do ------------------------------------------------------------


def test_capabilities_are_those_of_the_user() -> None:
    server = PopServer(capabilities=("UIDL", "login-delay 900 USER", "EXPIRE NEVER"))

    async def use(connection: Connection) -> None:
        assert connection.capabilities.login_delay == 900
        assert connection.capabilities.expire is None
        server.capabilities = ("top", "Login-Delay 60", "EXPIRE 30", "PIPELINING")
        await connection.login("ann", "secret")
        found = connection.capabilities
        assert (found.uidl, found.top, found.pipelining) == (False, True, True)
        assert (found.login_delay, found.expire) == (60, 30)
        assert "EXPIRE 30" in found.names

    reach(server, use)


def test_without_capa_nothing_is_probed_and_what_is_old_is_tried() -> None:
    server = PopServer(letters(2), capabilities=None)

    async def use(connection: Connection) -> None:
        listing = await connection.listing()
        assert [each.uidl for each in listing] == ["u1", "u2"]
        assert len(await connection.headers([1, 2])) == 2
        await connection.quit()

    meet(server, use)
    assert [line.split()[0] for line in server.said] == [
        *("CAPA", "USER", "PASS", "LIST", "UIDL", "TOP", "TOP", "QUIT")
    ]


def test_a_server_that_forgets_capa_is_not_asked_for_many_things_at_a_time() -> None:
    server = PopServer()

    async def use(connection: Connection) -> None:
        assert connection.capabilities.pipelining
        server.capabilities = None
        await connection.login("ann", "secret")
        assert not connection.capabilities.pipelining
        assert connection.capabilities.uidl

    reach(server, use)


@pytest.mark.parametrize(
    "answer",
    [b"+OK\r\n.\r\n", b"+OK\r\n\r\n \r\nLOGIN-DELAY x\r\nEXPIRE -1\r\n\xff\0\r\n.\r\n"],
)
def test_capabilities_that_make_no_sense_are_none(answer: bytes) -> None:
    async def use(connection: Connection) -> None:
        found = connection.capabilities
        assert (found.login_delay, found.expire, found.pipelining) == (0, None, False)

    meet(PopServer(lies={"CAPA": answer}), use)


# -- logging in ------------------------------------------------------------------------


def test_plain_is_said_at_once_where_it_is_offered() -> None:
    server = PopServer(user="änn", password="p wörd")
    meet(server, user="änn", password="p wörd")
    response = b64encode("\0änn\0p wörd".encode()).decode()
    assert server.commands("AUTH") == [f"AUTH PLAIN {response}"]
    assert not server.commands("USER")


def test_a_long_password_is_said_when_the_server_asks_for_it() -> None:
    server = PopServer(password="x" * 200)
    meet(server, password="x" * 200)
    assert server.commands("AUTH") == ["AUTH PLAIN"]


def test_plain_is_said_again_to_a_server_that_did_not_listen() -> None:
    server = PopServer(lies={"AUTH": b"+ \r\n"})
    meet(server)
    assert server.said[1].removeprefix("AUTH PLAIN ") == server.said[2]


def test_what_plain_never_asks_is_not_answered() -> None:
    server = PopServer(lies={"AUTH": b"+ " + b64encode(b"your PIN?") + b"\r\n"})
    with pytest.raises(AuthenticationError):
        meet(server)
    assert server.said[2] == "*"


def test_user_and_pass_are_said_one_after_the_other() -> None:
    server = PopServer(capabilities=("USER", "PIPELINING"), password="two words ")
    meet(server, password="two words ")
    assert server.said[1:3] == ["USER ann", "PASS two words "]


def test_a_server_that_takes_no_password_is_told_none() -> None:
    server = PopServer(capabilities=("SASL XOAUTH2",))
    with pytest.raises(PermanentError, match="takes no password"):
        meet(server)
    assert server.said == ["CAPA"]


def test_apop_says_no_password() -> None:
    server = PopServer(user="mrose", password="tanstaaf")
    meet(server, auth=Auth.APOP, user="mrose", password="tanstaaf")
    # The example of RFC 1939, section 7.
    assert server.said[1] == "APOP mrose c4c9334bac560ecc979e58001b3e22fb"


@pytest.mark.parametrize(
    "greeting",
    [
        "+OK hello",
        "+OK <no.sign>",
        "+OK <a@b",
        "+OK <a b@c>",
        "+OK <\u00e4@b>",
        "+OK <a@b\x01>",
        "+OK <<a@@b>>",
        "+OK <@>",
    ],
)
def test_apop_is_refused_without_a_timestamp_that_is_a_message_id(
    greeting: str,
) -> None:
    server = PopServer(greeting=greeting)
    with pytest.raises(PermanentError, match="timestamp"):
        meet(server, auth=Auth.APOP)
    assert server.said == ["CAPA"]


@pytest.mark.parametrize("auth", Auth)
@pytest.mark.parametrize("capabilities", [("SASL PLAIN",), ("USER",), None])
@pytest.mark.parametrize("each", ["a\rb", "a\nDELE 1", "a\0b"])
def test_what_would_end_a_command_is_refused_before_anything_is_said(
    auth: Auth, capabilities: tuple[str, ...] | None, each: str
) -> None:
    for user, password in ((each, "secret"), ("ann", each)):
        server = PopServer(capabilities=capabilities)
        with pytest.raises(PermanentError, match="CR, LF and NUL") as raised:
            meet(server, auth=auth, user=user, password=password)
        assert not isinstance(raised.value, AuthenticationError)
        assert server.said == ["CAPA"]


class Token:
    """A mechanism that shows a token, as XOAUTH2 does."""

    name = b"XOAUTH2"

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def initial(self) -> bytes:
        """The token."""
        return b"user=ann\1auth=Bearer abc\1\1"

    def respond(self, challenge: bytes) -> bytes:
        """Nothing: it only told why the token is refused."""
        self.asked.append(challenge)
        return b""


def test_a_refused_token_is_a_refusal_once_its_reason_was_heard() -> None:
    reason = b64encode(b'{"status":"400"}')
    server = PopServer(
        lies={"AUTH": b"+ %s\r\n" % reason, "RESPONSE": b"-ERR [AUTH] no\r\n"}
    )
    token = Token()

    async def use(connection: Connection) -> None:
        await connection.authenticate(token)

    with pytest.raises(AuthenticationError, match="no"):
        reach(server, use)
    assert token.asked == [b'{"status":"400"}']
    assert server.said[1:] == [
        "AUTH XOAUTH2 " + b64encode(token.initial()).decode(),
        "",
    ]


@pytest.mark.parametrize(
    "challenges",
    [
        {"AUTH": b"+ \r\n", "RESPONSE": b"+ \r\n"},
        {"AUTH": b"+ not base64!\r\n"},
        {"AUTH": b"+ \r\n+OK\r\n"},
    ],
    ids=["without end", "unreadable", "answered before it was asked"],
)
def test_questions_that_make_no_sense_end_the_connection(
    challenges: dict[str, bytes | None],
) -> None:
    with pytest.raises(TemporaryError) as raised:
        meet(PopServer(lies=challenges))
    assert not isinstance(raised.value, RefusedForNow)


@pytest.mark.parametrize("capabilities", [("SASL PLAIN",), ("USER",)])
@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("[AUTH] no", AuthenticationError),
        ("[AUTH] try again later", AuthenticationError),
        ("[in-use] wrong password", RefusedForNow),
        ("[IN-USE/pop3] x", RefusedForNow),
        ("[LOGIN-DELAY] x", RefusedForNow),
        ("[SYS/TEMP] x", RefusedForNow),
        ("[SYS/TEMP/disk] x", RefusedForNow),
        ("[SYS/PERM] x", PermanentError),
        ("[XNEW] x", AuthenticationError),
        ("", AuthenticationError),
        ("invalid password", AuthenticationError),
        ("Authentication failed.", AuthenticationError),
        ("account locked, too many failed logins", AuthenticationError),
        ("user is blocked for now, try later", AuthenticationError),
        ("maildrop already locked", RefusedForNow),
        ("Unable to lock maildrop", RefusedForNow),
        ("mailbox is busy", RefusedForNow),
        ("Mailbox in use by another POP3 session", RefusedForNow),
        ("Temporary authentication failure", RefusedForNow),
        ("please try again later", RefusedForNow),
        ("too many connections from your address", RefusedForNow),
    ],
)
def test_a_refused_login_is_about_the_credentials_or_about_the_time(
    said: str, error: type[Exception], capabilities: tuple[str, ...]
) -> None:
    refusal = f"-ERR {said}\r\n".encode()
    lies: dict[str, bytes | None] = {"AUTH": refusal, "PASS": refusal}
    with pytest.raises(error) as raised:
        meet(PopServer(capabilities=capabilities, lies=lies))
    assert type(raised.value) is error


def test_a_maildrop_is_open_to_one_session_at_a_time() -> None:
    server = PopServer()

    async def use(connection: Connection) -> None:
        async with connected(at(server.port), PATIENT) as other:
            with pytest.raises(RefusedForNow, match="IN-USE"):
                await other.login("ann", "secret")
            await connection.quit()
            await other.login("ann", "secret")

    meet(server, use)


def test_a_password_is_in_no_text_that_is_shown() -> None:
    secret = "correct horse"
    register_secrets([secret])
    server = PopServer(lies={"AUTH": f"-ERR you said {secret}?\r\n".encode()})
    with pytest.raises(AuthenticationError) as raised:
        meet(server, password=secret)
    shown = "".join(traceback.format_exception(raised.value))
    shown += repr([Plain("ann", secret), Credentials("ann", secret)])
    assert "correct" not in shown
    assert "[secret]" in shown
