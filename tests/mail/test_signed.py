"""What is signed or encrypted is passed on so that it still verifies and opens."""

from __future__ import annotations

import email
import email.policy
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from postroom.mail.forward import compose_forward
from postroom.mail.redirect import compose_redirect
from tests.builders import NOW, OWNER, make_message
from tests.servers.certificates import Certificates

HEAD = (
    b"From: ann@example.org\r\nTo: me@ours.example\r\nSubject: the contract\r\n"
    b"Message-ID: <1@example.org>\r\n"
)
TEXT = (
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe  \r\nAnn\r\n"
)
Way = Callable[[bytes], bytes]
BOB = "bob@example.com"


@pytest.fixture(scope="module")
def ann(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Ann's certificate and its key."""
    return Certificates.sign_itself(tmp_path_factory.mktemp("ann"))


def smime(octets: bytes, *options: str | Path) -> bytes:
    """What `openssl smime` makes of this; it must succeed."""
    done = subprocess.run(
        ["openssl", "smime", *map(str, options)], input=octets, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def by_crlf(octets: bytes) -> bytes:
    """With the line ends of mail, whatever they were."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def signed(ann: Certificates) -> bytes:
    """A message that Ann has signed, in clear."""
    key = "-signer", ann.certificate, "-inkey", ann.key
    return HEAD + by_crlf(smime(TEXT, "-sign", "-crlfeol", *key))


def encrypted(ann: Certificates) -> bytes:
    """A message that only Ann can open."""
    return HEAD + by_crlf(smime(TEXT, "-encrypt", "-aes256", ann.certificate))


def redirected(raw: bytes) -> bytes:
    """The message as a redirect sends it."""
    outgoing = compose_redirect(make_message(raw), [BOB], OWNER, "key", NOW)
    assert outgoing.content.endswith(raw)
    return outgoing.content


def forwarded(raw: bytes) -> bytes:
    """The message inside of what a forward sends."""
    content = compose_forward(make_message(raw), [BOB], OWNER, "key", NOW).content
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    boundary = f"\r\n--{parsed.get_boundary()}".encode()
    *_, part, _ = content.split(boundary)
    inside = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")[2]
    assert inside == raw
    return inside


@pytest.mark.parametrize("way", [redirected, forwarded])
def test_a_signature_is_as_good_as_before(ann: Certificates, way: Way) -> None:
    raw = way(signed(ann))
    trusted = "-CAfile", ann.certificate, "-purpose", "any"
    assert smime(raw, "-verify", *trusted).endswith(TEXT)
    changed = raw.replace(b"Ann\r\n\r\n", b"Eve\r\n\r\n")
    assert changed != raw
    with pytest.raises(AssertionError, match="digest failure"):
        smime(changed, "-verify", *trusted)


@pytest.mark.parametrize("way", [redirected, forwarded])
def test_what_is_encrypted_can_be_opened(ann: Certificates, way: Way) -> None:
    raw = way(encrypted(ann))
    opened = smime(raw, "-decrypt", "-recip", ann.certificate, "-inkey", ann.key)
    assert opened == TEXT
