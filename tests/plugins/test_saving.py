"""The action that saves what a message brings on this machine."""

from __future__ import annotations

import asyncio
import base64
import io
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from postroom.errors import ConfigError
from postroom.mail.message import Message
from postroom.rules.decide import NeedsBody
from postroom.rules.effects import Perform, tell
from postroom.testing import SampleServices, make_message, performed, plan
from postroom_saving import Save
from tests.builders import make_message as make_bare_message
from tests.builders import plan_for

PDF = {"Bill.PDF": b"%PDF", "notes.txt": b"n"}
TO = 'to = "/srv/invoices/{date:%Y}/{from.domain}"'
PLACE = "/srv/invoices/2026/example.org"


def planned(then: str, message: Message) -> list[Perform]:
    """What a rule with this action wants performed."""
    made = plan(f'[[rule]]\nname = "it"\nthen = [ {{ {then} }} ]\n', message)
    effects = [each.effect for each in made.effects]
    return [effect for effect in effects if isinstance(effect, Perform)]


def carry_out(
    then: str, message: Message, services: SampleServices | None = None
) -> SampleServices:
    """Have it performed twice, as after a crash."""
    services = services or SampleServices()
    services.content = message.raw
    for effect in planned(then, message):
        action = Save.model_validate_json(effect.options)
        for _ in range(2):
            asyncio.run(performed(action, effect, services))
    return services


def left_out(then: str, message: Message) -> str:
    """What the action says that it did not save."""
    services = SampleServices()
    services.content = message.raw
    (effect,) = planned(then, message)
    action = Save.model_validate_json(effect.options)
    return asyncio.run(performed(action, effect, services))


def saved(then: str, message: Message) -> Mapping[str, bytes]:
    """The files that come of it."""
    return carry_out(then, message).places.files


def encoded(encoding: str, body: bytes, name: str = "a.bin") -> Message:
    head = f"Content-Disposition: attachment; filename={name}\r\n"
    head += f"Content-Transfer-Encoding: {encoding}\r\n"
    return make_message(f"From: ann@example.org\r\n{head}\r\n".encode() + body)


@pytest.mark.parametrize(
    ("attachments", "names"),
    [
        ('"*.pdf"', ["Bill.PDF"]),
        ('["*.txt", "bill*"]', ["Bill.PDF", "notes.txt"]),
        ("true", ["Bill.PDF", "notes.txt"]),
    ],
)
def test_the_attachments_that_are_named_so_are_saved(
    attachments: str, names: list[str]
) -> None:
    then = f"save = {{ attachments = {attachments}, {TO} }}"
    files = saved(then, make_message(attachments=PDF))
    assert files == {f"{PLACE}/{name}": PDF[name] for name in names}


def test_nothing_is_to_be_done_where_no_attachment_is_named_so() -> None:
    then = f'save = {{ attachments = "*.doc", {TO} }}'
    assert planned(then, make_message(attachments=PDF)) == []


def test_the_octets_are_needed(tmp_path: Path) -> None:
    for what in ('attachments = "*.pdf", to', "message = true, to", "maildir"):
        then = f'save = {{ {what} = "/srv/a" }}'.replace("/srv/a", "/srv/a/b")
        with pytest.raises(NeedsBody):
            plan_for(tmp_path, 'subject = "hello"', make_bare_message(full=False), then)


def test_those_of_a_message_inside_are_saved_as_the_condition_finds_them() -> None:
    inner = make_message(attachments={"in.pdf": b"%PDF"}).raw.replace(b"===", b"=#=")
    head = b"From: ann@example.org\r\nContent-Type: message/rfc822\r\n\r\n"
    files = saved(
        f"save = {{ attachments = '*.pdf', {TO} }}", make_message(head + inner)
    )
    assert files == {f"{PLACE}/in.pdf": b"%PDF"}


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('filename="../../etc/cron.d/x"', "_.._etc_cron.d_x"),
        ("filename=/etc/passwd", "_etc_passwd"),
        ("filename*=utf-8''..%2Fx%00.pdf", "_x.pdf"),
        ("filename*0*=utf-8''..; filename*1*=%2Fx.pdf", "_x.pdf"),
        ("filename*0=../; filename*1=x.pdf", "_x.pdf"),
        ('filename="=?utf-8?b?Li4vLi4veA==?="', "_.._x"),
        ('filename="=?utf-8?q?fdp=E2=80=AEexe=2E?="', "fdpexe"),
        (f'filename="{"a" * 4096}.pdf"', f"{'a' * 116}.pdf"),
        ("filename=CON.pdf", "_CON.pdf"),
        ("filename=x.pdf.", "x.pdf"),
        ("x=y", "attachment"),
    ],
)
def test_no_name_of_an_attachment_leads_anywhere(parameter: str, name: str) -> None:
    head = f"From: ann@example.org\r\nContent-Disposition: attachment; {parameter}"
    message = make_message(f"{head}\r\n\r\nit")
    files = saved(f"save = {{ attachments = true, {TO} }}", message)
    assert files == {f"{PLACE}/{name}": b"it"}


def test_no_domain_leads_anywhere() -> None:
    message = make_message(from_="x@../../../etc", attachments=PDF)
    files = saved(
        'save = { attachments = "*.pdf", to = "/srv/a/{from.domain}" }', message
    )
    (path,) = files
    assert path.startswith("/srv/a/")
    assert path.count("/") == 4
    assert ".." not in path.split("/")


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("base64", b"aGVs\r\nbG8=\r\n", b"hello\r\n"[:5]),
        ("base64", b"aGVsbG", b"hell"),
        ("base64", b"aGVsb", b"hel"),
        ("base64", b"aG!V*s bG8", b"hello"),
        ("base64", b"a", b""),
        ("quoted-printable", b"a=3D=\r\nb=ZZ", b"a=b=ZZ"),
        ("7bit", b"a=3D\r\n", b"a=3D\r\n"),
        ("8bit", b"\xff\xfe", b"\xff\xfe"),
        ("binary", b"\0\r\n\0", b"\0\r\n\0"),
        ("x-unknown", b"as it is", b"as it is"),
    ],
)
def test_what_can_be_decoded_is_saved(
    encoding: str, body: bytes, content: bytes
) -> None:
    files = saved(f"save = {{ attachments = true, {TO} }}", encoded(encoding, body))
    assert [*files.values()] == [content]


def test_those_beyond_the_limits_are_told_when_the_others_are_saved() -> None:
    attachments = {"1": b"x" * 11, "2": b"x" * 10, "3": b"y", "4": b"z"}
    message = make_message(attachments=attachments)
    then = f"save = {{ attachments = true, {TO}, most = 3, largest = 10 }}"
    assert left_out(then, message) == (
        "not all is saved: 1 has more than 10 octets; there are 4, and most is 3"
    )
    assert set(saved(then, message)) == {f"{PLACE}/2", f"{PLACE}/3"}


def test_of_what_is_within_the_limits_nothing_is_left_out() -> None:
    message = make_message(attachments={"1": b"x" * 10, "2": b"y"})
    then = f"save = {{ attachments = true, {TO}, most = 2, largest = 10 }}"
    assert left_out(then, message) == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (f'attachments = "*.pdf", {TO}', f"save attachments '*.pdf' to {PLACE}"),
        (
            'attachments = ["*.pdf", "a"], to = "/srv/a/b"',
            "save attachments '*.pdf', 'a' to /srv/a/b",
        ),
        (f"message = true, {TO}", f"save the message to {PLACE}"),
        ('maildir = "/srv/m/a"', "save a copy in /srv/m/a, folder INBOX"),
        ('maildir = "/srv/m/a", folder = "B/C"', "save a copy in /srv/m/a, folder B/C"),
    ],
)
def test_the_trace_says_what_is_saved_where(options: str, told: str) -> None:
    message = make_message(attachments={"x.pdf": b"%PDF"})
    (effect,) = planned(f"save = {{ {options} }}", message)
    assert tell(effect) == told


def test_what_is_far_too_large_is_not_even_decoded() -> None:
    message = encoded("base64", b"*" * 10_000 + b"eA==")
    then = f"save = {{ attachments = true, {TO}, largest = 1024 }}"
    assert "a.bin has more than 1024 octets" in left_out(then, message)


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Bill 3/4", "Bill 3_4.eml"),
        ("../x", "_x.eml"),
        ("", "message.eml"),
        ("x" * 300, f"{'x' * 120}.eml"),
    ],
)
def test_a_message_is_saved_as_it_is_under_its_subject(subject: str, name: str) -> None:
    message = make_message(subject=subject)
    files = saved(f"save = {{ message = true, {TO} }}", message)
    assert files == {f"{PLACE}/{name}": message.raw}


@pytest.mark.parametrize(
    ("folder", "there"),
    [
        ("", "INBOX"),
        (', folder = "Invoices/{date:%Y}"', "Invoices/2026"),
        (', folder = "Of/{from.domain}"', "Of/example_org"),
    ],
)
def test_a_copy_goes_into_a_maildir_once(folder: str, there: str) -> None:
    message = make_message()
    services = carry_out(f'save = {{ maildir = "/srv/mail/a"{folder} }}', message)
    assert services.places.mail == {("/srv/mail/a", there): {"key": message.raw}}


@pytest.mark.parametrize(
    ("options", "key", "complaint"),
    [
        ("true", "save", "expected one of these"),
        ('"*.pdf"', "save", "expected one of these"),
        (f"{{ {TO} }}", "save", "expected one of these"),
        ("{ attachments = true }", "save", "expected one of these"),
        (f"{{ attachments = true, message = true, {TO} }}", "save", "expected one of"),
        (f'{{ maildir = "/srv/a/b", {TO} }}', "save", "expected one of these"),
        (f'{{ message = true, folder = "x", {TO} }}', "save", "folder is the one in a"),
        (f"{{ message = true, most = 1, {TO} }}", "save", "limits of attachments"),
        (f"{{ attachments = true, most = 0, {TO} }}", "save", "most is at least 1"),
        (f"{{ message = false, {TO} }}", "save.message", "expected true"),
        ("{ message = true, to = 'a' }", "save.to", "expected a path from the root"),
        ("{ maildir = '/srv/a/{account}' }", "save.maildir", "there are none here"),
        ("{ maildir = '/srv/a/../b' }", "save.maildir", "written without . and .."),
        (
            "{ maildir = '/srv/a/b', folder = '{from.local}' }",
            "save.folder",
            "a stranger could choose Trash",
        ),
        ('"/srv/x/y"', "save", 'a folder is written as to = "/srv/x/y"'),
        (f"{{ message = true, quota = 0, {TO} }}", "save", "a quota of 0 has room"),
        ("{ maildir = '/srv/a/b', folder = 'a.b' }", "save.folder", "another level"),
        (
            f"{{ maildir = '/srv/a/b', folder = '{'ä' * 95}' }}",
            "save.folder",
            "it takes 257 octets on disk, and 255 are the most",
        ),
        (f"{{ atachments = true, {TO} }}", "save.atachments", "did you mean 'attach"),
    ],
)
def test_what_makes_no_sense_is_told(
    tmp_path: Path, options: str, key: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_for(tmp_path, 'subject = "x"', make_message(), f"save = {options}")
    assert complaint in caught.value.problems[0].message
    assert caught.value.problems[0].key == f"then[1].{key}"


def test_an_archive_is_saved_as_it_is_and_never_opened() -> None:
    """However much comes out of it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(4):
            file.writestr(f"{number}.txt", bytes(25_000_000))
    bomb = archive.getvalue()
    assert len(bomb) < 200_000
    body = base64.encodebytes(bomb)
    tracemalloc.start()
    files = saved(f"save = {{ attachments = true, {TO} }}", encoded("base64", body))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert list(files.values()) == [bomb]
    assert most < 5_000_000
