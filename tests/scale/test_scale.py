"""A mailbox may hold any number of messages: memory is bounded by the batches.

`SCALE_MESSAGES` asks for the long form: so many old messages, and a tenth as backlog.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from tests.endtoend.oracle import (
    KINDS,
    expect,
    expect_forwards,
    make_mail,
    observe,
)
from tests.scale.old_mail import count_messages, lay_old_mail, number_anew, padding
from tests.scale.trial import MIB, Trial
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

MESSAGES = int(os.environ.get("SCALE_MESSAGES", 0))
# For a UID and its place in a list or two; a message with its header takes far more.
OCTETS_A_MESSAGE = 200
# Measured: 12 MiB for batches of headers of 1 KiB; 48 MiB where headers have 8 KiB and
# bodies and forwards come in too.
FOR_HEADERS, FOR_BACKLOG = 20 * MIB, 64 * MIB
# The seconds that the slowest step may take: a machine may be busy with other things.
PATIENCE = 60 + MESSAGES / 100

pytestmark = pytest.mark.timeout(300 + 4 * PATIENCE)
long = pytest.mark.skipif(not MESSAGES, reason="`make scale` has the long form")


@pytest.fixture
def trial(
    tmp_path: Path,
    dovecot: DovecotServer,
    certificates: Certificates,
    sink: RecordingSmtp,
) -> Trial:
    """Daemons whose memory is measured."""
    return Trial(tmp_path, dovecot, certificates, sink)


def leave_old_mail(trial: Trial, count: int) -> None:
    """Adopt old messages, and again after they were numbered anew: each time only what
    comes then is handled, and nothing is sent."""
    dovecot, user = trial.dovecot, trial.dovecot.new_user()
    bound = trial.rest() + FOR_HEADERS + OCTETS_A_MESSAGE * count
    lay_old_mail(dovecot, user, count)
    with trial.running(user) as daemon:
        daemon.wait_for("mailbox_watched", patience=PATIENCE)
        dovecot.deliver(user, make_mail(0))
        daemon.wait_for("message_handled")
        assert trial.measure(f"{count:,} adopted", daemon) < bound
    number_anew(dovecot, user)
    with trial.running(user) as daemon:
        daemon.wait_for("uids_numbered_anew", patience=PATIENCE)
        dovecot.deliver(user, make_mail(9))
        (handled,) = daemon.wait_for("message_handled", patience=PATIENCE)
        assert trial.measure(f"{count:,} numbered anew", daemon) < bound
    assert handled["message_id"] == "<9@tests>"
    assert count_messages(dovecot, user) == count
    assert trial.sink.received == []


def numbers(count: int) -> list[int]:
    """So many messages of every kind; those that are forwarded are few, because what
    takes time is the server that receives them."""
    every = (n for n in itertools.count() if n % 90 < 9 or not _is_forwarded(n))
    return list(itertools.islice(every, count))


def _is_forwarded(number: int) -> bool:
    return KINDS[number % len(KINDS)].forwarded


def handle_backlog(trial: Trial, count: int) -> None:
    """Handle all that is there: moved, flagged, deleted and forwarded as rules say."""
    dovecot, user, mail = trial.dovecot, trial.dovecot.new_user(), numbers(count)
    bound = trial.rest() + FOR_BACKLOG + OCTETS_A_MESSAGE * count
    dovecot.backlog(user, (padding(110) + make_mail(number) for number in mail))
    forwards = expect_forwards(mail).total()
    with trial.running(user, "process") as daemon:
        daemon.wait_for("message_handled", count, PATIENCE)
        daemon.wait_for("delivery_settled", forwards, PATIENCE)
        peak = trial.measure(f"{count:,} as backlog, {forwards} sent", daemon)
        assert peak < bound
    assert observe(dovecot.mailboxes(user)) == expect(mail)
    assert len(trial.sink.received) == forwards


def test_old_mail_is_left_within_bounded_memory(trial: Trial) -> None:
    leave_old_mail(trial, 20_000)


def test_a_backlog_is_handled_within_bounded_memory(trial: Trial) -> None:
    handle_backlog(trial, 6_000)


@long
def test_very_many_old_messages_are_left_within_bounded_memory(trial: Trial) -> None:
    leave_old_mail(trial, MESSAGES)


@long
def test_very_many_messages_are_handled_within_bounded_memory(trial: Trial) -> None:
    handle_backlog(trial, MESSAGES // 10)
