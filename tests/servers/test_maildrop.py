"""The POP3 server of the tests keeps to RFC 1939, and misbehaves as it is told to."""

from __future__ import annotations

import poplib
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.servers.maildrop import Letter, Maildrop, serving_maildrop

MAIL = b"Subject: hello\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n"


@pytest.fixture
def maildrop() -> Iterator[Maildrop]:
    """A maildrop of three messages."""
    with serving_maildrop() as drop:
        drop.put(MAIL, MAIL, MAIL)
        yield drop


@contextmanager
def client_of(maildrop: Maildrop) -> Iterator[poplib.POP3]:
    """A client that is logged in, and only hangs up at the end."""
    with closing(poplib.POP3(maildrop.host, maildrop.port, timeout=10)) as client:
        client.user(maildrop.user)
        client.pass_(maildrop.password)
        yield client


def test_octets_come_as_they_were_put_there(maildrop: Maildrop) -> None:
    with client_of(maildrop) as client:
        assert client.stat() == (3, 3 * len(MAIL))
        lines = client.retr(2)[1]
    assert b"".join(line + b"\r\n" for line in lines) == MAIL


def test_only_quit_removes_what_was_marked(maildrop: Maildrop) -> None:
    with client_of(maildrop) as client:
        client.dele(1)
        assert client.uidl()[1] == [b"2 uidl-0002", b"3 uidl-0003"]
    assert len(maildrop.letters) == 3
    with client_of(maildrop) as client:
        client.dele(1)
        client.quit()
    assert [letter.uidl for letter in maildrop.letters] == ["uidl-0002", "uidl-0003"]
    assert maildrop.said("DELE") == ["1", "1"]


def test_a_farewell_that_fails_may_remove_some(maildrop: Maildrop) -> None:
    maildrop.farewell, maildrop.removes = b"-ERR some are left\r\n", 1
    with client_of(maildrop) as client:
        client.dele(1)
        client.dele(2)
        with pytest.raises(poplib.error_proto, match="some are left"):
            client.quit()
    assert len(maildrop.letters) == 2


def test_what_was_retrieved_can_be_hidden(maildrop: Maildrop) -> None:
    maildrop.hides = True
    with client_of(maildrop) as client:
        client.retr(2)
    with client_of(maildrop) as client:
        assert client.stat()[0] == 2


def test_it_is_hidden_before_all_of_it_was_sent(maildrop: Maildrop) -> None:
    """Whoever has the reply finds it done, however slow the server's thread is."""
    maildrop.hides = True
    more_than_buffers_take = (b"x" * 2**20,) * 32
    maildrop.letters.insert(0, Letter("huge", more_than_buffers_take))
    with client_of(maildrop) as slow:
        slow.sock.sendall(b"RETR 1\r\n")
        assert slow.file.readline() == b"+OK here it is\r\n"
        with client_of(maildrop) as client:
            assert client.stat()[0] == 3


def test_it_answers_and_hangs_up_as_it_is_told(maildrop: Maildrop) -> None:
    maildrop.answers = {"RETR 2": b"-ERR no\r\n", "RETR 3": None}
    with client_of(maildrop) as client:
        client.retr(1)
        with pytest.raises(poplib.error_proto, match="no"):
            client.retr(2)
        with pytest.raises(poplib.error_proto, match="EOF"):
            client.retr(3)
    maildrop.cut_behind = "DELE 1"
    with client_of(maildrop) as client:
        client.dele(1)
        with pytest.raises(poplib.error_proto, match="EOF"):
            client.dele(2)


def test_a_huge_message_is_sent_in_pieces(maildrop: Maildrop) -> None:
    maildrop.letters = [
        Letter("huge", (b"Subject: x\r\n\r\n", *[b"..\r\n" * 999] * 99))
    ]
    with client_of(maildrop) as client:
        assert client.list()[1] == [b"1 %d" % maildrop.letters[0].size]
        assert len(client.retr(1)[1]) == 2 + 999 * 99
