"""The mail of the playground."""

from __future__ import annotations

import re

from postroom.commands.demo.pdf import write_pdf
from postroom.commands.demo.samples import SAMPLES
from postroom.mail.limits import HEADER_OCTETS


def test_the_samples_are_a_dozen_and_each_has_its_own_name() -> None:
    """Names are how people speak of them."""
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES) >= 12


def test_one_sample_has_more_header_than_is_read() -> None:
    """So that the limit is tried in every demonstration."""
    headers = [sample.raw.partition(b"\r\n\r\n")[0] for sample in SAMPLES]
    assert sum(len(header) > HEADER_OCTETS for header in headers) == 1


def test_the_table_of_the_pdf_points_at_its_objects() -> None:
    """Viewers find the page by it (ISO 32000-1, section 7.5.4)."""
    pdf = write_pdf("One line")
    start = int(re.findall(rb"startxref\n(\d+)", pdf)[0])
    assert pdf[start:].startswith(b"xref\n0 6\n")
    offsets = [int(entry) for entry in re.findall(rb"(\d{10}) 00000 n ", pdf)]
    assert len(offsets) == 5
    for number, offset in enumerate(offsets, start=1):
        assert pdf[offset:].startswith(b"%d 0 obj\n" % number)
