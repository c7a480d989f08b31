"""However many messages come in, a daemon needs no more than for the first of them.

`SCALE_MESSAGES` asks for the long form: so many messages.
"""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from tests.endtoend.oracle import expect_forwards, make_mail
from tests.scale.flatness import SPARE, SPARE_OCTETS, Usage, growth, usage_of
from tests.scale.test_scale import numbers
from tests.scale.trial import Trial
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

MESSAGES = int(os.environ.get("SCALE_MESSAGES", 0))
WAVES = 8
PATIENCE = 60 + MESSAGES / 100


def send_waves(trial: Trial, count: int) -> list[Usage]:
    """Have so many messages handled, and some forwarded; what is in use after each
    wave of them."""
    user, mail = trial.dovecot.new_user(), iter(numbers(count))
    usages, handled, sent = [], 0, 0
    with trial.running(user) as daemon:
        daemon.wait_for("mailbox_watched")
        assert daemon.process is not None
        while wave := list(islice(mail, count // WAVES)):
            trial.dovecot.backlog(user, map(make_mail, wave))
            handled, sent = handled + len(wave), sent + expect_forwards(wave).total()
            daemon.wait_for("message_handled", handled, PATIENCE)
            daemon.wait_for("delivery_settled", sent, PATIENCE)
            usages.append(usage_of(daemon.process.pid))
            print(f"{handled:7,} {usages[-1]}", flush=True)
    return usages


@pytest.mark.timeout(120 + 2 * PATIENCE)
def test_memory_descriptors_and_threads_are_flat(
    tmp_path: Path,
    dovecot: DovecotServer,
    certificates: Certificates,
    sink: RecordingSmtp,
) -> None:
    trial = Trial(tmp_path, dovecot, certificates, sink)
    assert list(growth(send_waves(trial, MESSAGES or 2_000))) == []


def test_what_grows_is_named() -> None:
    flat = [Usage(100 * SPARE_OCTETS, 20, 5)] * 8
    assert list(growth(flat)) == []
    first = flat[0]
    worse = Usage(first.memory + 2 * SPARE_OCTETS, 21 + SPARE, 6 + SPARE)
    told = list(growth([*flat[:-1], worse]))
    assert [each.split()[0] for each in told] == ["memory", "descriptors", "threads"]
