"""A destination holds values of a message, and none of them leaves its level."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from postroom.mail.message import Message
from postroom.rules.destinations import Destination, Path, Subfolder, clean_level
from tests.builders import make_message

ANN = 'From: "Ann Archer" <Ann@Sub.Example.org>\r\nList-Id: Py <Lists.Example>\r\n\r\n'
STAND = replace(
    make_message(ANN.encode(), mailbox="Old/Work"),
    received=datetime(2026, 1, 1, 0, 30, tzinfo=UTC),
)


def expand(written: str, message: Message = STAND) -> str:
    """The mailbox that this destination is for a message."""
    return Destination.model_validate(written).expand(message)


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        ("Lists/python", "Lists/python"),
        ("Senders/{from.domain}", "Senders/sub_example_org"),
        ("Senders/{from.local}", "Senders/ann"),
        ("Senders/{from.address}", "Senders/ann@sub_example_org"),
        ("Senders/{from.name}, x", "Senders/Ann Archer, x"),
        ("Lists/{list.id}", "Lists/lists_example"),
        ("{account}/{list.id}/{from.local}", "home/lists_example/ann"),
        ("Kept/{mailbox}/a", "Kept/Old/Work/a"),
        ("a{{b}}c", "a{b}c"),
        ("{{{account}}}", "{home}"),
        ("INBOX/Lists/{list.id}", "INBOX/Lists/lists_example"),
        ("INBOX/From {from.local}", "INBOX/From ann"),
        ("[Gmail]/Kept/{list.id}", "[Gmail]/Kept/lists_example"),
        ("50% of *", "50% of *"),  # what the rule says is not touched
    ],
)
def test_values_stand_in_the_place_of_their_names(written: str, mailbox: str) -> None:
    assert expand(written) == mailbox


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        ("{date:%Y}", "2026"),
        ("A/{date:%Y/%m}/{date:%d}", "A/2026/01/01"),
        ("A/{date:%y-%j %H h}", "A/26-001 01 h"),
        ("A/{date:%G week %V}", "A/2026 week 01"),
    ],
)
def test_a_date_is_that_of_the_arrival_where_the_machine_stands(
    written: str, mailbox: str, in_berlin: None
) -> None:
    assert expand(written) == mailbox
    late = replace(STAND, received=datetime(2025, 12, 31, 23, 30, tzinfo=UTC))
    assert expand("{date:%Y}", late) == "2026"


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (
            "A/{form.domain}",
            "no placeholder 'form.domain'; did you mean 'from.domain'?",
        ),
        ("A/{subject}", "there is no placeholder 'subject'"),
        ("A/{from.name:x}", "did you mean 'from.name'?"),
        ("A/{}", "there is no placeholder ''"),
        ("A/{date}", "a date is written with %Y %m %d %H %j %G %V %y"),
        ("A/{date:}", "a date is written with"),
        ("A/{date:now}", "a date is written with"),
        ("A/{date:%Y%B}", "a date is written with"),
        ("A/{date:%%Y}", "a date is written with"),
        ("A/{date:%Y%}", "a date is written with"),
        ("A/{from.name", "a { that is meant is written twice: {{"),
        ("A/}", "a } that is meant is written twice: }}"),
        ("", "expected the name of a mailbox"),
        ("A//{list.id}", "a part between the slashes is empty"),
        ("A/{date:/%Y}", "a part between the slashes is empty"),
        ("A\n", "no control characters"),
        ("{from.name}", 'put a mailbox before it, such as "Senders/{from.name}"'),
        ("{list.id}{from.local}/x", "a stranger could choose Trash"),
        (3, "valid string"),
        ("INBOX/{from.name}", 'such as "INBOX/Senders/{from.name}"'),
        ("inbox / {list.id}/x", 'such as "inbox /Senders/{list.id}/x"'),
        ("INBOX/INBOX/{from.name}", "a stranger could choose Trash"),
        ("INBOX.{from.name}", "a stranger could choose Trash"),
        ("{mailbox}/{from.local}", 'such as "{mailbox}/Senders/{from.local}"'),
        ("[Gmail]/{from.local}", 'such as "[Gmail]/Senders/{from.local}"'),
        ("[google mail]/{from.local}", "a stranger could choose Trash"),
        ("{from.name} ", 'such as "Senders/{from.name}"'),
        (" {from.name} {list.id} /x", "a stranger could choose Trash"),
    ],
)
def test_what_is_no_destination_is_refused(written: object, complaint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Destination.model_validate(written)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("a/b", "a_b"),
        ("../../etc", "______etc"),
        (".", "_"),
        ("..", "__"),
        ("", "_"),
        ("   ", "_"),
        (" a ", "a"),
        (".hidden", "_hidden"),
        ("~root", "_root"),
        ("#news", "_news"),
        ("a*%b", "a__b"),
        ("a\r\nb\0\x7f", "a__b__"),
        ("e\u0301", "\u00e9"),
        ("a\u202eb", "a_b"),
        ("\ud800", "_"),
        ("x" * 101, "x" * 100),
        ("x" * 99 + " y", "x" * 99),
        ("\u00e9" * 51, "\u00e9" * 50),
        ("x" * 99 + "\u00e9", "x" * 99),
    ],
)
def test_a_value_is_cleaned(value: str, level: str) -> None:
    assert clean_level(value, "/") == level


def test_a_name_of_endless_accents_takes_no_time() -> None:
    begun = time.process_time()
    clean_level("a" + "\u0315" * 16_000 + "\u0300" * 16_000, "/")
    assert time.process_time() - begun < 0.5


def test_the_ends_of_time_are_a_date(in_berlin: None) -> None:
    for moment, year in ((datetime.min, 1), (datetime.max, 9999)):
        ancient = replace(STAND, received=moment.replace(tzinfo=UTC))
        assert int(expand("{date:%Y}", ancient)) == year


def test_the_delimiter_of_the_server_is_no_part_of_a_value() -> None:
    barred = replace(make_message(b"From: a|b\\c <a@b>\r\n\r\n"), delimiter="|")
    assert expand("A|B/{from.name}", barred) == "A|B/a_b\\c"
    assert expand("A/{from.name}", replace(barred, delimiter=None)) == "A/a|b\\c"


def test_what_a_message_does_not_say_is_a_line() -> None:
    nothing = make_message(b"Subject: x\r\n\r\n")
    assert expand("A/{from.name}/{list.id}/{from.domain}", nothing) == "A/_/_/_"
    nameless = make_message(b"From: ann@example.org\r\nList-Id: py.lists\r\n\r\n")
    assert expand("A/{from.name}/{list.id}", nameless) == "A/ann@example_org/py_lists"


@given(st.text(), st.sampled_from(["/", ".", "\\", None]))
def test_no_value_adds_a_level_or_means_anything(
    value: str, delimiter: str | None
) -> None:
    level = clean_level(value, delimiter)
    assert 1 <= len(level.encode()) <= 100
    assert level[0] not in " ~#"
    assert not set(level) & {"/", ".", "*", "%", delimiter}
    assert level == level.strip()
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not {unicodedata.category(c) for c in level} & hidden


@given(st.text('a./~ <>@"\\,;:\u00e9\u202e=?\t', max_size=30))
def test_no_header_leads_out_of_the_mailbox(value: str) -> None:
    raw = f"From: {value}\r\nList-Id: {value}\r\n\r\n".encode()
    message = make_message(raw)
    for name in ("from.name", "from.address", "from.local", "from.domain", "list.id"):
        levels = expand(f"A/{{{name}}}/B", message).split("/")
        assert levels[0] == "A"
        assert levels[2:] == ["B"]
        assert levels[1] not in ("", ".", "..")


def test_a_subfolder_is_a_path_below_or_the_mailbox_itself() -> None:
    adapter: TypeAdapter[Path] = TypeAdapter(Subfolder)
    below = adapter.validate_python("{list.id}/{date:%Y}")
    assert below.below("Archive", STAND) == "Archive/lists_example/2026"
    assert str(below) == "'{list.id}/{date:%Y}'"
    itself = adapter.validate_python(True)
    assert itself.below("Archive", STAND) == "Archive"
    assert str(itself) == "true"
    for wrong in ("", False, 3, "a//b", "/", "{subject}"):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
