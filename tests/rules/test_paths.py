"""Folders on this machine: the first levels are the owner's, whatever comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from postroom.rules.paths import FileNames, FolderPath, LocalFolder
from postroom.rules.textset import AnyOf
from tests.builders import make_message

MESSAGE = make_message(list_id="Py <py.lists.example>")


def path(text: str) -> FolderPath:
    return FolderPath.model_validate(text)


@pytest.mark.parametrize(
    ("text", "top", "levels"),
    [
        ("/srv/invoices", "/srv/invoices", []),
        ("/srv/invoices/", "/srv/invoices", []),
        ("/srv/a/b/c", "/srv/a/b/c", []),
        ("/srv/invoices/{date:%Y}", "/srv/invoices", ["2026"]),
        ("/srv/a/{date:%Y/%m}/x/", "/srv/a", ["2026", "03", "x"]),
        ("/srv/a/of {from.domain}/b", "/srv/a", ["of example.org", "b"]),
        ("/srv/a/{{b}}/{account}", "/srv/a/{b}", ["home"]),
        ("/srv/a/{list.id}-{mailbox}", "/srv/a", ["py.lists.example-INBOX"]),
    ],
)
def test_the_levels_before_a_value_are_the_owners(
    text: str, top: str, levels: list[str]
) -> None:
    assert (path(text).top, path(text).below(MESSAGE)) == (top, levels)


def test_a_mailbox_has_its_levels() -> None:
    message = make_message(mailbox="Lists/..")
    assert path("/srv/a/{mailbox}").below(message) == ["Lists", "_"]


@given(st.text(max_size=400), st.text(max_size=60))
def test_a_value_adds_no_level_and_leaves_none_out(name: str, local: str) -> None:
    sender = f'"{name}" <{local}@../..>'
    message = make_message(f"From: {sender}\r\n\r\n".encode("utf-8", "replace"))
    written = "/srv/a/{from.name}/.{from.local}{from.local}/{from.domain}/z"
    levels = path(written).below(message)
    assert len(levels) == 4
    assert not {"", ".", ".."} & {*levels}
    assert all("/" not in each and "\0" not in each for each in levels)
    assert all(len(each.encode()) <= 250 for each in levels)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("invoices", "expected a path from the root"),
        ("~/invoices", "expected a path from the root"),
        ("", "a stranger could choose what stands in / itself"),
        ("/", "a stranger could choose what stands in / itself"),
        ("/srv", "a stranger could choose what stands in /srv itself"),
        ("/{from.domain}/x", "a stranger could choose what stands in / itself"),
        ("/srv/{from.domain}", "a stranger could choose what stands in /srv itself"),
        ("/srv/x{from.domain}", "a stranger could choose what stands in /srv itself"),
        ("{account}/x", "expected a path from the root"),
        ("/srv/../etc", "without . and .."),
        ("/srv/a/{date:%Y/..}/x", "without . and .."),
        ("/srv/./a", "without . and .."),
        ("/srv//a", "a part between the slashes is empty"),
        ("//srv/a", "a part between the slashes is empty"),
        ("/srv/a\n", "no control characters"),
        ("/etc/postroom", "/etc is the system's"),
        ("/usr/share/{account}", "/usr is the system's"),
        ("/proc/self/{account}", "/proc is the system's"),
        ("/srv/a/{subject}", "there is no placeholder 'subject'"),
        ("/srv/a/{", "written twice"),
    ],
)
def test_a_folder_that_a_stranger_could_choose_is_refused(
    text: str, complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        path(text)
    if "{" not in text:
        with pytest.raises(ValidationError, match=complaint):
            TypeAdapter(LocalFolder).validate_python(text)


@pytest.mark.parametrize(
    ("given", "fitting"),
    [
        (True, ["bill.pdf", ""]),
        ("*.PDF", ["bill.pdf"]),
        (["*.doc", "Bill"], ["bill.pdf"]),
        ({"is": "bill"}, []),
    ],
)
def test_names_of_files_are_texts_or_true(given: object, fitting: list[str]) -> None:
    names = AnyOf(TypeAdapter(FileNames).validate_python(given))
    assert [name for name in ("bill.pdf", "") if names.fits([name])] == fitting
