"""Two spellings of one mailbox are compared as one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mail.names import canonical, is_inbox


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("inbox", "INBOX"),
        ("Inbox/A", "INBOX/A"),
        ("A/inbox", "A/inbox"),
        ("inboxes", "inboxes"),
        ("\u0131nbox", "\u0131nbox"),
        ("Cafe\u0301/a", "Caf\u00e9/a"),
        ("Caf\u00e9/a", "Caf\u00e9/a"),
    ],
)
def test_a_name_has_one_spelling(name: str, told: str) -> None:
    assert canonical(name) == told


@given(st.text())
def test_a_canonical_name_is_its_own(name: str) -> None:
    assert canonical(canonical(name)) == canonical(name)


def test_inbox_is_inbox_in_any_case_and_in_no_other_letters() -> None:
    assert is_inbox("iNbOx")
    assert not is_inbox("\u0131nbox")
