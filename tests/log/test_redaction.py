"""What is secret is replaced in every form of a protocol, and nothing else is."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from postroom.log import printable, redact, register_secrets

SECRET = 'ca"nary\\ 7d1f/é+'


def test_a_secret_that_is_part_of_another_leaves_nothing_of_it() -> None:
    register_secrets(["hunter22", "hunter22-and-more", "secret"])
    told = "[secret], [secret]; [secret]!"
    assert redact("hunter22, hunter22-and-more; secret!") == told


def test_a_short_value_is_no_secret_to_be_told_from_text() -> None:
    register_secrets(["abc"])
    assert redact("abc") == "abc"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        re.sub("%..", lambda code: code[0].lower(), quote(SECRET, safe="")),
        json.dumps(SECRET),
        repr(SECRET),
        repr(SECRET.encode()),
        SECRET.replace("\\", "\\\\").replace('"', '\\"'),
        SECRET.encode().decode("latin-1"),
    ],
)
def test_a_secret_is_known_however_it_is_written(form: str) -> None:
    register_secrets([SECRET])
    told = redact(f"before {form} after")
    assert told.startswith("before ")
    assert told.endswith(" after")
    assert "[secret]" in told
    assert "7d1f" not in told


@pytest.mark.parametrize(
    "secret", ["hunter22", "hunter2", "hunter", SECRET, "x/y?z>ab"]
)
@pytest.mark.parametrize("user", ["", "a", "an", "ann", "ann@example.org"])
def test_base64_of_a_login_is_redacted_whoever_the_user_is(
    user: str, secret: str
) -> None:
    """RFC 4616 and XOAUTH2; of its neighbours nothing is left that holds bits of it."""
    register_secrets([secret])
    for response in (
        secret,
        f"\0{user}\0{secret}",
        f"{user}:{secret}",
        f"user={user}\1auth=Bearer {secret}\1\1",
    ):
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(response.encode()).decode()
            told = redact(f"sent {encoded} again")
            found = re.fullmatch(r"sent (\S*)\[secret\](\S*) again", told)
            assert found, told
            begin = response.encode().index(secret.encode()) * 8
            assert len(found[1]) * 6 <= begin
            end = begin + len(secret.encode()) * 8
            assert (len(encoded) - len(found[2])) * 6 >= end


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Authorization: Bearer ya29.a0Af_x", "Authorization: Bearer [secret]"),
        ("sent Basic YW5uOng0cA== there", "sent Basic [secret] there"),
        ("AUTH PLAIN AGFubgB4NHA=", "AUTH PLAIN [secret]"),
        ("a1 AUTHENTICATE XOAUTH2 dXNlcj1hbm4B", "a1 AUTHENTICATE XOAUTH2 [secret]"),
        ('a1 LOGIN ann "p w\\"x" BAD', "a1 LOGIN ann [secret] BAD"),
        ('LOGIN "ann b" pw123', 'LOGIN "ann b" [secret]'),
        ("GET /?user=ann&password=p%20w&x=1", "GET /?user=ann&password=[secret]&x=1"),
        ('{"refresh_token": "1//0g"}', '{"refresh_token": [secret]}'),
        ("client_secret='a b'", "client_secret=[secret]"),
        (
            "postgresql://ann:p@ss@db.example/x",
            "postgresql://ann:[secret]@db.example/x",
        ),
        (
            "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b",
            "a -----BEGIN RSA PRIVATE KEY-----[secret]-----END RSA PRIVATE KEY----- b",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIEcut",
            "-----BEGIN PRIVATE KEY-----[secret]",
        ),
    ],
)
def test_what_looks_like_a_secret_is_redacted_though_nobody_registered_it(
    text: str, told: str
) -> None:
    assert redact(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bearer YA29.A0AF_X", "bearer [secret]"),
        ('A1 login ANN "PW"', "A1 login ANN [secret]"),
        ("Pa\u017fSword=hunter", "Pa\u017fSword=[secret]"),
        ("\u212aelvin: api_\u212aey=hunter", "\u212aelvin: api_\u212aey=[secret]"),
    ],
)
def test_upper_and_lower_case_are_the_same_in_it(text: str, told: str) -> None:
    assert redact(text) == told


def test_what_was_told_before_it_was_known_for_a_secret_is_not_told_again() -> None:
    assert redact("the word is swordfish") == "the word is swordfish"
    register_secrets(["swordfish"])
    assert redact("the word is swordfish") == "the word is [secret]"


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication is disabled",
        "AUTH PLAIN mechanism not supported",
        "LOGIN was refused: no reason",
        "account.home.password: there is no scheme 'fiel'; did you mean 'file'?",
        'password = "credential:home"',
        "https://example.org:443/a@b",
        "moved to Bearer bonds",
        "a password=",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "piece",
    ["LOGIN ", 'LOGIN "', "Bearer ", "://a:", "password=", "A", "-----BEGIN ", '"\\'],
)
def test_a_stranger_can_not_make_it_slow(piece: str) -> None:
    """A megabyte; what takes quadratic time would take hours."""
    register_secrets(["hunter22"])
    started = time.process_time()
    redact(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 10


def test_lines_stay_and_what_a_terminal_would_obey_does_not() -> None:
    assert printable("a\nb\x1b[1m\r") == "a\nb\\x1b[1m\\r"
