"""Options: the main one, sizes, names of mailboxes, recipients."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from postroom.rules.condition import Options, show_options
from postroom.rules.options import MailboxName, Octets, Recipients


@pytest.mark.parametrize(
    ("written", "octets"),
    [(7, 7), ("500K", 512_000), ("10m", 10 * 1024**2), ("1 G", 1024**3)],
)
def test_octets_are_read(written: object, octets: int) -> None:
    assert TypeAdapter(Octets).validate_python(written) == octets


@pytest.mark.parametrize("written", ["", "big", "1T", True, 1.5, "-1"])
def test_what_is_no_size_is_refused(written: object) -> None:
    with pytest.raises(ValidationError, match="expected a number of octets"):
        TypeAdapter(Octets).validate_python(written)


@pytest.mark.parametrize(
    "name", ["Lists", "Lists/python", "Ent würfe", 'a"b\\c', "[Gmail]/x"]
)
def test_mailbox_names_are_taken(name: str) -> None:
    assert TypeAdapter(MailboxName).validate_python(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "a//b", "/a", "a/", "a\r\nb", "a\0", "a{date}", 3]
)
def test_what_can_be_no_mailbox_is_refused(name: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(MailboxName).validate_python(name)


def test_recipients_are_one_or_a_few_addresses() -> None:
    adapter: TypeAdapter[tuple[str, ...]] = TypeAdapter(Recipients)
    assert adapter.validate_python("a@b.c") == ("a@b.c",)
    for wrong in ([], ["a@b.c"] * 21, "a@b.c, d@e.f", "a@b.c\r\nx"):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


class Sample(Options):
    """A condition with two options."""

    is_: str
    depth_: int = 0


class Bare(Options):
    """A condition without options."""


def test_a_plain_value_sets_the_first_field_and_underscores_are_dropped() -> None:
    assert Sample.model_validate("a").is_ == "a"
    assert Sample.model_validate({"is": "a", "depth": 2}).depth_ == 2
    assert Sample.main_option() == "is"


@pytest.mark.parametrize("value", [False, 1, "yes", {"a": 1}])
def test_a_class_without_fields_takes_only_true(value: object) -> None:
    Bare.model_validate(True)
    with pytest.raises(ValidationError, match="the only value is true"):
        Bare.model_validate(value)


def test_options_are_shown_as_they_are_written() -> None:
    assert show_options(Sample.model_validate("a")) == "'a'"
    assert show_options(Sample.model_validate({"is": "a", "depth": 2})) == (
        "{ is = 'a', depth = 2 }"
    )
    assert show_options(Bare.model_validate(True)) == "true"
