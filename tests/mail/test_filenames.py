"""What a stranger calls a file is one harmless level of a path."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postroom.mail.filenames import clean_file_name, clean_folder_name, number_name

DEVICES = ("CON", "nul", "COM1", "lpt9", "Aux", "CONOUT$", "COM\xb9")


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Bill 12.pdf", "Bill 12.pdf"),
        ("Rechnung März.pdf", "Rechnung März.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\Users\\ann\\bill.pdf", "C__Users_ann_bill.pdf"),
        ("bill.pdf:stream", "bill.pdf_stream"),
        ('what? "this" <one>|*.pdf', "what_ _this_ _one___.pdf"),
        ("a\0b\x1b[31m.pdf", "a_b_[31m.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("bi\u200bl\xadl\ufeff.pdf", "bill.pdf"),
        ("bill\ufe0f\u3164.pdf", "bill.pdf"),
        ("a\u2028b.pdf", "a_b.pdf"),
        ("a\xa0\u3000b.pdf", "a  b.pdf"),
        (".htaccess", "htaccess"),
        (". .bashrc", "bashrc"),
        ("bill.pdf. . ", "bill.pdf"),
        ("-rf", "_rf"),
        ("~root", "_root"),
        ("CON", "_CON"),
        ("con.pdf", "_con.pdf"),
        ("COM1 .txt", "_COM1.txt"),
        ("CONsole.txt", "CONsole.txt"),
        ("e\u0301.pdf", "\xe9.pdf"),
        ("e\u200d\u0301.pdf", "\xe9.pdf"),
        ("", "attachment"),
        ("...", "attachment"),
        ("\u202e", "attachment"),
        (f"{'a' * 4096}.pdf", f"{'a' * 116}.pdf"),
        (f"{'é' * 4096}.tar", f"{'é' * 58}.tar"),
        (f"a.{'b' * 4096}", f"a.{'b' * 118}"),
        (f"{'a' * 113}  b.pdf", f"{'a' * 113}  b.pdf"),
        (f"{'a' * 114}  b.pdf", f"{'a' * 114}.pdf"),
    ],
)
def test_a_name_is_made_harmless(name: str, cleaned: str) -> None:
    assert clean_file_name(name) == cleaned


@given(st.text(max_size=300) | st.sampled_from(DEVICES))
@example("..")
@example("a/" * 200)
@example("\u0301" * 200 + ".pdf")
@example("CO\u200bN")
@example("a" * 115 + " ..pdf")
@example("-\u200b.")
def test_whatever_it_is_called_it_is_one_level_that_is_seen(text: str) -> None:
    for clean in (clean_file_name, clean_folder_name):
        name = clean(text)
        assert 0 < len(name.encode()) <= 120
        assert not set(name) & set('/\\\0<>:"|?*')
        assert name == name.strip(" .")
        assert name[0] not in "-~"
        assert name.partition(".")[0].strip().upper() not in {*map(str.upper, DEVICES)}
        kinds = {unicodedata.category(each) for each in name}
        assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert clean(name) == name


@pytest.mark.parametrize(
    ("value", "level"),
    [("", "_"), ("..", "_"), ("a/b", "a_b"), (".ssh", "ssh"), ("x.org", "x.org")],
)
def test_a_value_is_made_a_level(value: str, level: str) -> None:
    assert clean_folder_name(value) == level


@pytest.mark.parametrize(
    ("name", "numbered"),
    [("a.pdf", "a (2).pdf"), ("a", "a (2)"), ("a.b c", "a.b c (2)")],
)
def test_a_number_stands_before_the_extension(name: str, numbered: str) -> None:
    assert number_name(name, 2) == numbered
