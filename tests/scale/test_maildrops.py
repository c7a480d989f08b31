"""A maildrop may hold any number of messages: it is emptied within bounded memory.

`SCALE_MESSAGES` asks for the long form: a tenth of so many, for each way to keep them.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.endtoend.maildrops import PopHouse, over_tls
from tests.endtoend.sorting import (
    expect,
    expect_forwards,
    found_in,
    letter,
    numbers_in,
)
from tests.scale.trial import MIB
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer
from tests.servers.sink import RecordingSmtp

MESSAGES = int(os.environ.get("SCALE_MESSAGES", 0)) // 10
# Measured: 115 to 135 MiB, of which 95 are the program with nothing to do.
MOST = 192 * MIB


@pytest.mark.skipif(not MESSAGES, reason="`make scale` has the long form")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("keep", ["false", "true", '"14d"'])
def test_very_many_messages_are_sorted_into_a_maildir(
    tmp_path: Path,
    dovecot: DovecotServer,
    certificates: Certificates,
    sink: RecordingSmtp,
    keep: str,
) -> None:
    user, house = dovecot.new_user(), PopHouse(tmp_path, sink)
    dovecot.backlog(user, map(letter, range(MESSAGES)))
    pop3 = over_tls(dovecot, certificates)
    daemon = house.daemon(pop3, f"keep = {keep}", user=user)
    began = time.monotonic()
    with daemon.once() as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * 1024
    took = time.monotonic() - began
    print(f"{MESSAGES:,}, keep = {keep}: {took:.1f} s, {peak / MIB:.1f} MiB")
    assert process.returncode == 0
    assert daemon.visit() == ()
    assert found_in(daemon.stored()) == expect(range(MESSAGES))
    assert house.sent() == expect_forwards(range(MESSAGES))
    left = [] if keep == "false" else list(range(MESSAGES))
    assert numbers_in(dovecot.mailboxes(user)["INBOX"]) == left
    assert peak < MOST
