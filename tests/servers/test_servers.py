"""The test servers do what the other tests rely on."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot
from tests.servers.postfix import PostfixServer
from tests.servers.programs import ServerFailed, wait_until, why_not
from tests.servers.proxy import CountingProxy, counting_proxy
from tests.servers.sink import RecordingSmtp, Tls, recording_smtp

MAIL = b"From: ann@example.org\r\nSubject: hello\r\n\r\nline\r\n.dot\r\n"


def send(port: int, *recipients: str, sender: str = "ann@example.org") -> None:
    """Send MAIL as a mail client does, without TLS."""
    with smtplib.SMTP("localhost", port) as client:
        client.sendmail(sender, list(recipients), MAIL)


def test_a_delivered_mail_lies_in_the_inbox_below_the_headers_of_the_server(
    dovecot: DovecotServer,
) -> None:
    user = dovecot.new_user()
    dovecot.deliver(user, MAIL)
    (stored,) = dovecot.mailboxes(user)["INBOX"]
    assert stored.raw.startswith(b"Return-Path: <stranger@example.org>\r\n")
    assert stored.raw.endswith(MAIL)
    assert stored.flags == frozenset()


def test_an_idling_client_is_told_of_a_delivery(dovecot: DovecotServer) -> None:
    user = dovecot.new_user()
    with dovecot.client(user) as client:
        client.select()
        client.send(b"x IDLE\r\n")
        assert client.readline().startswith(b"+")
        dovecot.deliver(user, MAIL)
        assert client.readline() == b"* 1 EXISTS\r\n"
        client.send(b"DONE\r\n")
        wait_until(lambda: client.readline().startswith(b"x OK"), "the end of IDLE")


def test_an_appended_mail_keeps_its_bytes_and_flags_in_any_mailbox(
    dovecot: DovecotServer,
) -> None:
    user = dovecot.new_user()
    dovecot.create(user, "Archive/2026", "A&APw-b&-c")
    dovecot.append(user, MAIL, "Archive/2026", r"\Seen $Work")
    everything = dovecot.mailboxes(user)
    assert everything["Archive/2026"] == [(frozenset({r"\Seen", "$Work"}), MAIL)]
    assert everything["Aüb&c"] == everything["INBOX"] == []


def test_a_backlog_of_two_thousand_is_laid_in_order_and_quickly(
    dovecot: DovecotServer,
) -> None:
    user = dovecot.new_user()
    raws = [b"Subject: %d\r\n\r\n\r\n" % number for number in range(2000)]
    started = time.monotonic()
    dovecot.backlog(user, raws)
    assert time.monotonic() - started < 10
    assert [stored.raw for stored in dovecot.mailboxes(user)["INBOX"]] == raws


def test_imap_and_pop3_over_tls_show_a_certificate_of_our_authority(
    dovecot: DovecotServer, certificates: Certificates
) -> None:
    user, trust = dovecot.new_user(), certificates.client_context()
    imaps, pop3s = dovecot.ports.imaps, dovecot.ports.pop3s
    with imaplib.IMAP4_SSL("localhost", imaps, ssl_context=trust) as imap:
        assert imap.login(dovecot.address(user), dovecot.password)[0] == "OK"
    pop3 = poplib.POP3_SSL("localhost", pop3s, context=trust)
    pop3.user(user)
    assert pop3.pass_(dovecot.password).startswith(b"+OK")
    pop3.quit()


def test_a_wrong_password_is_refused_at_once(dovecot: DovecotServer) -> None:
    started = time.monotonic()
    with (
        imaplib.IMAP4("localhost", dovecot.ports.imap) as client,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
    ):
        client.login(dovecot.new_user(), "wrong")
    assert time.monotonic() - started < 5


def test_recorded_commands_of_a_user_can_be_read(dovecot: DovecotServer) -> None:
    user = dovecot.new_user()
    dovecot.record(user)
    with dovecot.client(user) as client:
        client.select("INBOX", readonly=True)
    assert dovecot.commands(user) == ["EXAMINE INBOX", "LOGOUT"]


def test_a_dovecot_can_hide_what_it_can_do(certificates: Certificates) -> None:
    if reason := why_not("dovecot"):
        pytest.skip(reason)
    with (
        running_dovecot(certificates, capability="IMAP4rev1 UIDPLUS") as plain,
        plain.client(plain.new_user()) as client,
    ):
        assert set(client.capability()[1]) == {b"IMAP4rev1 UIDPLUS"}


def test_postfix_keeps_a_copy_for_each_recipient(postfix: PostfixServer) -> None:
    send(postfix.port, "ben@example.net", "eve@example.net")
    for recipient in ("ben@example.net", "eve@example.net"):
        (kept,) = postfix.wait_for(recipient)
        assert kept.sender == "ann@example.org"
        assert kept.raw.endswith(MAIL.replace(b"\r\n", b"\n"))


def test_postfix_takes_a_null_sender(postfix: PostfixServer) -> None:
    send(postfix.port, "null@example.net", sender="")
    assert [kept.sender for kept in postfix.wait_for("null@example.net")] == [""]


def test_postfix_hands_mail_for_a_user_of_dovecot_to_dovecot(
    postfix: PostfixServer, dovecot: DovecotServer
) -> None:
    user = dovecot.new_user()
    send(postfix.port, dovecot.address(user))
    wait_until(lambda: len(dovecot.mailboxes(user)["INBOX"]) == 1, "the delivery")


def test_postfix_takes_logins_over_starttls_and_tls(
    postfix: PostfixServer, dovecot: DovecotServer, certificates: Certificates
) -> None:
    user, trust = dovecot.new_user(), certificates.client_context()
    with smtplib.SMTP("localhost", postfix.port) as client:
        client.starttls(context=trust)
        assert client.login(user, dovecot.password)[0] == 235
    with (
        smtplib.SMTP_SSL("localhost", postfix.tls_port, context=trust) as client,
        pytest.raises(smtplib.SMTPAuthenticationError),
    ):
        client.login(user, "wrong")


def test_the_sink_keeps_envelope_and_octets(sink: RecordingSmtp) -> None:
    send(sink.port, "ben@example.net", "eve@example.net")
    (kept,) = sink.wait_for(1)
    assert kept.sender == "ann@example.org"
    assert kept.recipients == ("ben@example.net", "eve@example.net")
    assert kept.raw == MAIL


def test_the_sink_refuses_a_recipient_and_takes_the_others(sink: RecordingSmtp) -> None:
    sink.refusals["eve@example.net"] = "550 5.1.1 no such user"
    send(sink.port, "ben@example.net", "eve@example.net")
    assert sink.wait_for(1)[0].recipients == ("ben@example.net",)


def test_the_sink_drops_the_connection_after_the_final_dot(sink: RecordingSmtp) -> None:
    sink.drops = 1
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(sink.port, "ben@example.net")
    assert [kept.raw for kept in sink.dropped] == [MAIL]
    assert sink.received == []
    send(sink.port, "ben@example.net")
    assert len(sink.wait_for(1)) == 1


def test_the_sink_answers_the_final_dot_as_it_is_told(sink: RecordingSmtp) -> None:
    sink.data_reply = "451 4.3.0 later"
    with pytest.raises(smtplib.SMTPDataError, match="later"):
        send(sink.port, "ben@example.net")


@contextmanager
def secured(port: int, tls: Tls, trust: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    """A mail client that speaks TLS, either way."""
    if tls == "tls":
        with smtplib.SMTP_SSL("localhost", port, context=trust) as client:
            yield client
    else:
        with smtplib.SMTP("localhost", port) as client:
            client.starttls(context=trust)
            yield client


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_the_sink_takes_mail_over_tls_from_its_user(
    certificates: Certificates, tls: Tls
) -> None:
    trust = certificates.client_context()
    with recording_smtp(certificates, tls, login=True) as sink:
        with secured(sink.port, tls, trust) as client:
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login(sink.user, "wrong")
            client.login(sink.user, sink.password)
            client.sendmail("ann@example.org", ["ben@example.net"], MAIL)
        assert sink.wait_for(1)[0].raw == MAIL


def test_a_sink_stops_while_a_client_is_connected() -> None:
    with recording_smtp() as sink:
        client = smtplib.SMTP("localhost", sink.port)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()


def proxied(proxy: CountingProxy, dovecot: DovecotServer) -> imaplib.IMAP4:
    """A mail client that speaks through the proxy, logged in as a new user."""
    client = imaplib.IMAP4("localhost", proxy.port, timeout=5)
    client.login(dovecot.new_user(), dovecot.password)
    return client


def test_the_proxy_counts_commands_and_octets(dovecot: DovecotServer) -> None:
    with counting_proxy(dovecot.host, dovecot.ports.imap) as proxy:
        with proxied(proxy, dovecot) as client:
            client.append("INBOX", "", "", b"a1 UID FETCH 9\r\n\r\n")
            client.select()
            client.uid("FETCH", "1", "(RFC822.SIZE)")
            client.uid("fetch", "1", "(FLAGS)")
        assert proxy.commands("uid fetch") == [
            "UID FETCH 1 (RFC822.SIZE)",
            "UID FETCH 1 (FLAGS)",
        ]
        assert proxy.commands("APPEND") == ["APPEND INBOX {18}"]
        assert proxy.server_octets() > 100


def test_the_proxy_cuts_a_connection_after_so_many_octets(
    dovecot: DovecotServer,
) -> None:
    with counting_proxy(dovecot.host, dovecot.ports.imap) as proxy:
        client = proxied(proxy, dovecot)
        proxy.cut_after(proxy.server_octets() + 10)
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            client.select()
        proxy.cut_after(None)
        with proxied(proxy, dovecot) as again:
            assert again.noop()[0] == "OK"
        client.shutdown()


def test_the_proxy_holds_and_releases_what_passes(dovecot: DovecotServer) -> None:
    with (
        counting_proxy(dovecot.host, dovecot.ports.imap) as proxy,
        proxied(proxy, dovecot) as client,
    ):
        proxy.stall()
        client.send(b"x NOOP\r\n")
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.sock.recv(1)
        proxy.resume()
        client.sock.settimeout(5)
        assert client.sock.recv(100).startswith(b"x OK")


def test_the_proxy_cuts_all_connections_at_once(dovecot: DovecotServer) -> None:
    with counting_proxy(dovecot.host, dovecot.ports.imap) as proxy:
        client = proxied(proxy, dovecot)
        proxy.cut()
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            client.noop()
        client.shutdown()


def test_what_does_not_come_true_in_time_fails_with_its_name() -> None:
    with pytest.raises(ServerFailed, match=r"not within 0\.01 s: rain"):
        wait_until(lambda: False, "rain", 0.01)
