"""What a server says is understood or refused, and never anything else."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import TemporaryError
from postroom.transport.imap import responses
from postroom.transport.imap.fetching import fetched
from postroom.transport.imap.framing import Frame
from postroom.transport.imap.names import Names
from postroom.transport.imap.responses import Code, Copied, code_of, copied, expand
from postroom.transport.imap.tokens import Value, number, read
from tests.fuzz.imap_responses import read_all

WORDS = st.sampled_from(
    [
        *(b"* 1 FETCH (", b"* SEARCH ", b"* LIST ", b"* NAMESPACE ", b"* CAPABILITY "),
        *(b"* STATUS ", b"* VANISHED ", b"* 1 EXPUNGE", b"* 2 EXISTS"),
        *(
            b"(",
            b")",
            b'"',
            b"\\",
            b"[",
            b"]",
            b" ",
            b"NIL",
            b"{3}",
            b"FLAGS ",
            b"UID ",
        ),
        *(b"* OK [COPYUID 1 2:9 3:4]", b"COPYUID", b":", b",", b"7", b"-1", b"9" * 20),
    ]
)
LINES = st.lists(st.one_of(WORDS, st.binary(max_size=4)), max_size=20).map(b"".join)
FRAMES = st.lists(LINES, min_size=1, max_size=5).map(tuple)


@given(st.lists(FRAMES, max_size=4))
def test_no_answer_makes_a_reader_raise_anything_but_its_error(
    frames: list[Frame],
) -> None:
    readers = (
        fetched,
        responses.searched,
        responses.listed,
        responses.namespaces,
        responses.capabilities,
        lambda said: list(responses.statuses(said)),
        lambda said: sum(map(responses.removed_by, said)),
        lambda said: copied(responses.status_codes(said), range(1, 9)),
    )
    for reader in readers:
        try:
            reader(frames)
        except TemporaryError:
            continue


@given(st.binary(max_size=40))
def test_no_response_code_makes_its_reader_raise(text: bytes) -> None:
    code_of(text)
    code_of(b"[" + text + b"]")


@pytest.mark.parametrize(
    ("said", "values"),
    [
        (b'* LIST (\\A \\B) "/" "a* b"', (b"LIST", (b"\\A", b"\\B"), b"/", b"a* b")),
        (b'* X "q\\"uo\\\\te (" nil Nil', (b"X", b'q"uo\\te (', None, None)),
        (b"* X \xff\xfe (\xe4)", (b"X", b"\xff\xfe", (b"\xe4",))),
        (
            b"* X BODY[HEADER.FIELDS (TO)]<0> 1",
            (b"X", b"BODY[HEADER.FIELDS (TO)]<0>", b"1"),
        ),
        (b"* X ()()  ", (b"X", (), ())),
    ],
)
def test_values_are_read(said: bytes, values: tuple[Value, ...]) -> None:
    assert read((said,)) == values


@pytest.mark.parametrize(
    "said", [b"* X (", b"* X )", b'* X "', b"* X " + b"(" * 60 + b")" * 60, b"* X {3}"]
)
def test_what_is_not_the_grammar_is_refused(said: bytes) -> None:
    with pytest.raises(TemporaryError):
        read((said,))


def test_a_literal_stands_for_a_string() -> None:
    assert read((b"* X {3}", b'a"(', b" y")) == (b"X", b'a"(', b"y")


# A beginning, what comes after it again and again, and an end.
SHAPES = [
    *((b"* SEARCH", b" 1", b""), (b"* SEARCH ", b"7", b""), (b"* ", b"1", b" EXISTS")),
    *((b"* CAPABILITY", b" A", b""), (b"* NO [COPYUID 7 ", b"1,", b"1 1]")),
    *(
        (b"* OK [", b"[", b"]"),
        (b"* OK [X", b" ", b"]"),
        (b"* VANISHED ", b"1:2,", b"4"),
    ),
    *((b"* LIST (", b"\\A ", b") NIL x"), (b'* LIST () "/" "', b"&AOQ-", b'"')),
    *((b"* STATUS x (", b"A 1 ", b")"), (b"* STATUS ", b'"', b""), (b"* 1", b" ", b"")),
    *((b"* NAMESPACE (", b'("" "/")', b")"), (b"* X BODY[", b"(", b"]")),
    *((b"* 1 FETCH (UID 1", b" A B", b")"), (b"* 1 FETCH (UID 1 X (", b"()", b"))")),
    *((b"* 1 FETCH (", b"(", b""), (b"* 1 FETCH (UID 1 X ", b"[", b")")),
    *((b'* 1 FETCH (X "', b"\\", b'")'), (b"* 1 FETCH (X", b" ", b"Y)")),
]


@pytest.mark.parametrize(("start", "more", "end"), SHAPES)
def test_no_reader_needs_more_than_linear_time(
    start: bytes, more: bytes, end: bytes
) -> None:
    def seconds(length: int) -> float:
        line = start + more * (length // len(more)) + end
        begun = time.process_time()
        read_all([(line,)])
        return time.process_time() - begun

    # Sixteen times as much: linear is 16, quadratic 256.
    quick = max(0.0003, min(seconds(20_000) for _ in range(3)))
    assert any(seconds(320_000) < 40 * quick for _ in range(3))


@pytest.mark.parametrize(
    "line", [b"[" * 200_000, b'"' + b"\\" * 200_000, b"(" * 49 + b"[x" * 100_000]
)
@pytest.mark.timeout(20)
def test_hostile_lines_take_linear_time(line: bytes) -> None:
    try:
        read((b"* " + line,))
    except TemporaryError:
        return


@pytest.mark.parametrize("size", [b"9223372036854775808", b"9" * 19, b"9" * 30, b"x"])
def test_a_number_that_nothing_can_hold_is_refused(size: bytes) -> None:
    assert number(b"9223372036854775807") == 2**63 - 1
    with pytest.raises(TemporaryError):
        number(size)


@pytest.mark.parametrize("uidvalidity", [b"4294967296", b"-1", b"x"])
def test_a_uidvalidity_that_can_not_be_one_tells_nothing(uidvalidity: bytes) -> None:
    """The messages are copied nevertheless: it is as if nothing had been told."""
    assert copied([Code("COPYUID", uidvalidity + b" 1 2")], [1]) is None


def test_a_uidvalidity_of_0_is_a_number_like_any_other() -> None:
    assert copied([Code("COPYUID", b"0 1 2")], [1]) == Copied(0, {1: 2})


def test_search_may_answer_in_several_lines_or_none() -> None:
    assert responses.searched([(b"* SEARCH 3 1",), (b"* search 2",)]) == {1, 2, 3}
    assert responses.searched([(b"* SEARCH",)]) == set()
    assert responses.searched([]) == set()


def test_copyuid_pairs_sets_in_their_order() -> None:
    codes = [code_of(b"[COPYUID 38505 304,319:320 3956:3958] Done")]
    assert copied(codes, [304, 319, 320]) == Copied(
        38505, {304: 3956, 319: 3957, 320: 3958}
    )


def test_copyuid_tells_nothing_of_what_was_not_asked() -> None:
    codes = [Code("COPYUID", b"1 5:6 8:9")]
    assert copied(codes, [5, 77]) == Copied(1, {5: 8})
    assert copied([Code("ALERT", b"")], [5]) is None


@pytest.mark.parametrize(
    "arguments",
    [b"", b"1 2", b"1 2 3 4", b"1 1:2 3", b"x 1 2", b"1 1:9999999 1:9999999"],
)
def test_a_copyuid_that_does_not_add_up_tells_nothing(arguments: bytes) -> None:
    fit, unfit = Code("COPYUID", b"1 1 5"), Code("COPYUID", arguments)
    assert copied([unfit], [1, 2]) is None
    assert copied([fit, unfit], [1, 2]) is None


def test_a_set_is_expanded_no_further_than_its_bound() -> None:
    assert expand(b"9:7,3", 4) == [7, 8, 9, 3]
    with pytest.raises(TemporaryError):
        expand(b"1:4294967295", 1_000)


def test_internal_dates_are_read_in_any_zone() -> None:
    zone = timezone(timedelta(hours=-8))
    assert responses.internal_date(b" 7-Feb-1994 21:52:25 -0800") == datetime(
        1994, 2, 7, 21, 52, 25, tzinfo=zone
    )


@pytest.mark.parametrize(
    "date",
    [
        *(b"", b"yesterday", None, ()),
        *(b"31-Feb-2026 00:00:00 +0000", b"01-Xyz-2026 00:00:00 +0000"),
        *(b"01-Jan-0000 00:00:00 +0000", b"01-Jan-2026 00:00:00 +9999"),
        *(b"31-Dec-9999 23:59:59 -2300", b"01-Jan-2026 25:00:00 +0000"),
    ],
)
def test_a_date_that_can_not_be_read_is_1970(date: Value) -> None:
    assert responses.internal_date(date) == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_namespace_gives_prefix_delimiter_and_what_is_foreign() -> None:
    """What is one's own is not foreign, though it may be announced twice."""
    shared = b'("" ".")("INBOX." ".")("shared." ".")'
    said = b'* NAMESPACE (("INBOX." ".")) (("user." ".")) (%s)' % shared
    assert responses.namespaces([(said,)]) == Names(".", "INBOX.", ("user.", "shared."))
    for nothing in (b"* NAMESPACE NIL NIL NIL", b"* NAMESPACE ", b"* NAMESPACE"):
        assert responses.namespaces([(nothing,)]) is None
