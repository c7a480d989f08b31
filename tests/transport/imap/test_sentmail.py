"""Messages are found by their ids where the server keeps what was submitted to it."""

from __future__ import annotations

import asyncio

import pytest

from postroom.errors import TemporaryError
from postroom.transport.tls import Tls
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.programs import LOOPBACK
from tests.transport.imap.scripted import account_at
from tests.transport.imap.served import dovecot_account

ID = "<order.1@example.org>"


def sent_as(*lines: str) -> bytes:
    """A message with these lines in its header."""
    return "\r\n".join([*lines, "Subject: hello", "", "Hello.", ""]).encode()


@pytest.mark.parametrize("name", ["Sent", "Gesendet"])
def test_a_message_is_found_by_either_id_and_nothing_else_is(
    dovecot: DovecotServer, certificates: Certificates, name: str
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, name)
    for header in (
        f"X-About: {ID}",
        f"Message-ID: {ID}",
        "Message-ID: <another@example.org>",
        f"References: {ID}",
        f"Message-ID: <x{ID[1:]}",
    ):
        dovecot.append(user, sent_as(header), name)
    resent = sent_as(
        "Resent-Message-ID: <2@example.org>",
        "Resent-Message-ID:\r\n <1@example.org>",
        "Message-ID: <0@example.org>",
    )
    dovecot.append(user, resent, name)
    account = dovecot_account(dovecot, certificates, Tls.IMPLICIT, user)
    wanted = [ID, "order.1@example.org", "<1@example.org>", "<never@example.org>"]
    found = asyncio.run(account.find_sent(wanted))
    assert found is not None
    assert {each: place.uid for each, place in found.items()} == {
        ID: 2,
        "<1@example.org>": 6,
    }
    assert {place.mailbox for place in found.values()} == {name}
    flags = [each.flags for each in dovecot.mailboxes(user)[name]]
    assert flags == [frozenset()] * 6


def test_without_such_a_mailbox_nothing_can_be_told(
    dovecot: DovecotServer, certificates: Certificates
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, "Sent/Old")
    account = dovecot_account(dovecot, certificates, Tls.IMPLICIT, user)
    assert asyncio.run(account.find_sent([ID])) is None


def test_a_server_that_is_away_is_no_answer() -> None:
    with pytest.raises(TemporaryError):
        asyncio.run(account_at(1, host=LOOPBACK).find_sent([ID]))
