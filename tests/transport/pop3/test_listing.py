"""LIST and UIDL are believed as far as they make sense together."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PermanentError, RefusedForNow, TemporaryError
from postroom.ports import Listed
from postroom.transport.pop3 import listing
from postroom.transport.pop3.connection import Connection
from postroom.transport.pop3.listing import listed
from tests.transport.pop3.dealings import letters, meet
from tests.transport.pop3.scripted import PopServer

TWO = b"1 10\r\n2 20\r\n"


def uidls(uniques: bytes, scans: bytes = TWO) -> list[str]:
    """The unique-ids that count, by what UIDL says."""
    return [each.uidl for each in listed(scans, uniques)]


def lines(*names: str) -> bytes:
    """An answer to UIDL."""
    return "".join(f"{at} {name}\r\n" for at, name in enumerate(names, 1)).encode()


def test_messages_are_told_in_the_order_of_their_numbers() -> None:
    assert listed(b"3 5\r\n1  7 octets\r\n", b"1 b\r\n3 a\r\n") == [
        Listed(1, 7, "b"),
        Listed(3, 5, "a"),
    ]


@pytest.mark.parametrize(
    "scans",
    [
        b"0 5\r\n",
        b"1 -5\r\n",
        b"-1 5\r\n",
        b"1 99999999999999999999\r\n",
        b"99999999999 5\r\n",
        b"1\r\n",
        b"x\r\n",
        b"\r\n",
        b"1 5\n2 5\r\n",
        b"1 5\r\n1 5\r\n",
        b"1 5\r\n1 6\r\n",
        b"1 \xb2\r\n",
    ],
)
def test_a_list_that_makes_no_sense_ends_the_connection(scans: bytes) -> None:
    with pytest.raises(TemporaryError, match="no list of messages"):
        listed(scans, b"")

    async def use(connection: Connection) -> None:
        with pytest.raises(TemporaryError, match="no list of messages"):
            await connection.listing()
        with pytest.raises(TemporaryError, match="no list of messages"):
            await connection.prove()

    meet(PopServer(lies={"LIST": b"+OK\r\n" + scans + b".\r\n"}), use)


@pytest.mark.parametrize("name", ["x" * 71, "x" * 1000, "!~", "<a@b>", '"'])
def test_a_unique_id_is_taken_as_it_is(name: str) -> None:
    assert uidls(lines(name, "b")) == [name, "b"]


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a\tb", "\x1b[1m", "a\x7f", "\u00e4", "x" * 1001, "a\nb"]
)
def test_a_unique_id_that_is_none_counts_as_not_said(name: str) -> None:
    assert uidls(lines(name, "b")) == ["", "b"]


@pytest.mark.parametrize(
    ("uniques", "expected"),
    [
        (b"", ["", ""]),
        (b"2 b\r\n", ["", "b"]),
        (b"1 a\r\n2 a\r\n", ["", ""]),
        (b"1 a\r\n2 b\r\n3 a\r\n", ["", "b"]),
        (b"1 a\r\n1 a\r\n2 b\r\n", ["a", "b"]),
        (b"1 a\r\n1 c\r\n2 b\r\n", ["", "b"]),
        (b"1 a\r\n1 c\r\n1 a\r\n2 b\r\n", ["", "b"]),
        (b"1 1\r\n2 2\r\n", ["", ""]),
        (b"1 1\r\n2 2\r\n3 3\r\n", ["", ""]),
        (b"1 2\r\n2 3\r\n", ["2", "3"]),
        (b"9 a\r\n", ["", ""]),
        (b"0 a\r\nnonsense\r\n2 b\r\n", ["", "b"]),
    ],
)
def test_a_unique_id_counts_if_it_tells_a_message_from_all_others(
    uniques: bytes, expected: list[str]
) -> None:
    assert uidls(uniques) == expected


@given(
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.lists(st.integers(0, 9), max_size=9),
)
def test_any_answers_are_a_list_or_nonsense(
    scans: bytes, uniques: bytes, numbers: list[int]
) -> None:
    plausible = b"".join(b"%d 5\r\n" % number for number in numbers)
    for each in (scans, plausible, plausible + scans):
        try:
            found = listed(each, uniques)
        except TemporaryError:
            continue
        assert [one.number for one in found] == sorted({one.number for one in found})
        names = [one.uidl for one in found if one.uidl]
        assert len(names) == len(set(names))


# -- asked -----------------------------------------------------------------------------


def _listing(server: PopServer) -> list[Listed]:
    found: list[Listed] = []

    async def use(connection: Connection) -> None:
        found.extend(await connection.listing())
        await connection.quit()

    meet(server, use)
    return found


@pytest.mark.parametrize(
    "capabilities",
    [None, ("USER", "PIPELINING"), ("USER",), ("USER", "UIDL", "PIPELINING")],
)
def test_a_server_without_uidl_is_listed_without_unique_ids(
    capabilities: tuple[str, ...] | None,
) -> None:
    server = PopServer(letters(2), capabilities=capabilities, unique=None)
    assert [each.uidl for each in _listing(server)] == ["", ""]


def test_a_uidl_that_is_not_announced_is_tried() -> None:
    server = PopServer(letters(2), capabilities=("USER",))
    assert [each.uidl for each in _listing(server)] == ["u1", "u2"]


@pytest.mark.parametrize(
    ("code", "error"), [("SYS/TEMP", RefusedForNow), ("SYS/PERM", PermanentError)]
)
@pytest.mark.parametrize("command", ["LIST", "UIDL"])
def test_trouble_with_a_list_is_told_as_such(
    command: str, code: str, error: type[Exception]
) -> None:
    lie = f"-ERR [{code}] no\r\n".encode()
    with pytest.raises(error, match=f"{command} was refused"):
        _listing(PopServer(letters(2), lies={command: lie}))


def test_a_list_without_end_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "MOST_OCTETS", 1_000_000)
    server = PopServer(lies={"LIST": b"+OK\r\n" + b"1 1\r\n" * 1_000_000})

    async def use(connection: Connection) -> None:
        tracemalloc.start()
        with pytest.raises(TemporaryError, match="without end"):
            await connection.listing()
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
        tracemalloc.stop()

    meet(server, use)


def test_too_many_messages_are_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_MESSAGES", 3)
    assert len(listed(b"1 1\r\n2 1\r\n3 1\r\n", b"")) == 3
    with pytest.raises(TemporaryError, match="more than 3 messages"):
        listed(b"1 1\r\n2 1\r\n3 1\r\n4 1\r\n", b"")
