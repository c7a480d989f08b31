"""Options: the main one, sizes, times, names of mailboxes, recipients, flags."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter, ValidationError

from postroom.hooks.discovery import discover_plugins
from postroom.rules.condition import Options, dump_options, show_options
from postroom.rules.options import (
    Duration,
    FlagNames,
    MailboxName,
    Octets,
    Recipients,
    ReplyPeriod,
    show_duration,
)


@pytest.mark.parametrize(
    ("written", "octets"),
    [(7, 7), ("500K", 512_000), ("10m", 10 * 1024**2), ("1 G", 1024**3)],
)
def test_octets_are_read(written: object, octets: int) -> None:
    assert TypeAdapter(Octets).validate_python(written) == octets


@pytest.mark.parametrize("written", ["", "big", "1T", True, 1.5, "-1", -5])
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


@pytest.mark.parametrize(
    ("written", "duration", "shown"),
    [
        ("30s", timedelta(seconds=30), "30s"),
        ("90s", timedelta(seconds=90), "90s"),
        ("5 m", timedelta(minutes=5), "5m"),
        ("24h", timedelta(days=1), "1d"),
        ("2w", timedelta(days=14), "14d"),
        ("1y", timedelta(days=365), "365d"),
    ],
)
def test_times_are_read_and_shown(
    written: str, duration: timedelta, shown: str
) -> None:
    adapter: TypeAdapter[timedelta] = TypeAdapter(Duration)
    assert adapter.validate_python(written) == duration
    assert show_duration(duration) == shown
    assert adapter.validate_json(adapter.dump_json(duration)) == duration


@pytest.mark.parametrize("written", ["", "5", "0d", "d", "-1d", "1.5h", "1M", 5, True])
def test_what_is_no_time_is_refused(written: object) -> None:
    with pytest.raises(ValidationError, match="expected a time such as"):
        TypeAdapter(Duration).validate_python(written)


def test_an_answer_is_due_once_in_a_day_to_once_in_sixty() -> None:
    adapter: TypeAdapter[timedelta] = TypeAdapter(ReplyPeriod)
    assert adapter.validate_python("1d") == timedelta(days=1)
    assert adapter.validate_python("60d") == timedelta(days=60)
    for wrong in ("23h", "61d"):
        with pytest.raises(ValidationError, match="expected one day to sixty"):
            adapter.validate_python(wrong)


def test_flags_are_plain_names_or_keywords() -> None:
    adapter: TypeAdapter[tuple[str, ...]] = TypeAdapter(FlagNames)
    assert adapter.validate_python("Flagged") == ("\\Flagged",)
    assert adapter.validate_python(["\\SEEN", "$Work", "Old-1"]) == (
        *("\\Seen", "$Work", "Old-1"),
    )
    wrong: object
    for wrong in ("", "two words", "\\Recent", 'a"b', "a]", "{", "caf\u00e9", [], 3):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("read", '"seen"'),
        ("Starred", '"flagged"'),
        ("unread", 'not.flag = "seen"'),
        ("\\unseen", 'not.flag = "seen"'),
    ],
)
def test_what_people_call_a_flag_is_no_keyword(written: str, right: str) -> None:
    with pytest.raises(ValidationError, match=f"there is no flag .*write {right}"):
        TypeAdapter(FlagNames).validate_python(written)


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


class Late(Options):
    """A condition on a time."""

    by: Duration


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
    assert show_options(Late.model_validate("48h")) == "'2d'"


def test_options_are_made_again_from_their_json() -> None:
    late = Late.model_validate("36h")
    assert Late.model_validate_json(dump_options(late)) == late


BUNDLED_ACTIONS: list[tuple[str, object]] = [
    ("move", "Lists/{list.id}"),
    ("archive", True),
    ("archive", "{date:%Y}/x"),
    ("copy", "A"),
    ("mark", "read"),
    *((name, True) for name in ("flag", "unflag", "delete", "stop")),
    ("delete", "forever"),
    ("forward", ["a@b.example", "c@d.example"]),
    ("redirect", "a@b.example"),
    ("reply", {"text": "x", "subject": "y", "every": "10d", "handle": "z"}),
    ("label", "$Work"),
    ("save", {"maildir": "/srv/mail/a", "folder": "{date:%Y}", "quota": "1G"}),
    ("save", {"message": True, "to": "/srv/mail/{{a}}/{account}"}),
    (
        "save",
        {"attachments": ["a*", "/b/"], "to": "/srv/a", "most": 2, "largest": "1M"},
    ),
]
BUNDLED_CONDITIONS: list[tuple[str, object]] = [
    *((name, ["@a.example", "b"]) for name in ("from", "to", "cc", "recipient")),
    ("subject", ["a*", "/b/", {"is": "c", "case": True}]),
    ("header", {"X-A": "b", "X-C": ["d", "*"]}),
    *((name, "a") for name in ("list", "body", "attachment", "mailbox")),
    ("size", {"over": "1K", "under": "2K"}),
    ("age", {"over": "1d", "under": "2w"}),
    ("date", date(2026, 1, 2)),
    (
        "date",
        {
            "after": datetime(2026, 1, 2, 3),
            "before": datetime(2026, 1, 5, 4, tzinfo=timezone(timedelta(hours=14))),
            "weekday": ["mon-fri", "sun"],
            "between": "09:00-24:00",
            "zone": "Asia/Tokyo",
        },
    ),
    ("flag", ["seen", "$Work"]),
    ("auto", True),
]


@pytest.mark.parametrize(("name", "value"), BUNDLED_ACTIONS)
def test_a_bundled_action_is_made_again_from_its_json(name: str, value: object) -> None:
    kind = discover_plugins().actions[name].type
    action = kind.model_validate(value)
    assert kind.model_validate_json(dump_options(action)) == action


@pytest.mark.parametrize(("name", "value"), BUNDLED_CONDITIONS)
def test_a_bundled_condition_is_made_again_from_its_json(
    name: str, value: object
) -> None:
    kind = discover_plugins().conditions[name].type
    condition = kind.model_validate(value)
    assert kind.model_validate_json(dump_options(condition)) == condition


def test_none_of_the_bundled_ones_is_left_out() -> None:
    plugins = discover_plugins()
    assert {name for name, _ in BUNDLED_ACTIONS} == {*plugins.actions}
    assert {name for name, _ in BUNDLED_CONDITIONS} == {*plugins.conditions}
