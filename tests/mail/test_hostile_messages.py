"""Whatever a stranger writes, all facts about it cost two seconds and 256 MiB at most.

Each message is read in a process of its own, whose memory tells what it took.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MESSAGES = {
    "nesting": """b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\\r\\n\\r\\n--b%d\\r\\n" % (n, n)
        for n in range(10_000)
    )""",
    "parts": 'b"Content-Type: multipart/mixed; boundary=b\\r\\n\\r\\n"'
    ' + b"--b\\r\\n\\r\\nx\\r\\n" * 1_000_000',
    "fields": 'b"X-Field: value\\r\\n" * 100_000 + b"\\r\\nx\\r\\n"',
    "field": 'b"Subject: " + b"a" * 10_000_000 + b"\\r\\n\\r\\nx\\r\\n"',
    "words": 'b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\\r\\n\\r\\nx\\r\\n"',
    "addresses": 'b"To: " + b"a@b.example, " * 100_000 + b"\\r\\n\\r\\nx\\r\\n"',
}
PROGRAM = """
import json, resource, time
from datetime import UTC, datetime
from postroom.mail.attachments import attachment_names
from postroom.mail.eligibility import why_not_reply
from postroom.mail.loops import why_not_pass_on
from tests.builders import OWNER, make_message

raw = {raw}
octets = len(raw)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.process_time()
message = make_message(raw)
facts = [message.subject, message.message_id, message.text]
facts += [message.header.addresses(name) for name in ("From", "To", "Cc", "Reply-To")]
facts += [attachment_names(raw), why_not_pass_on(message, OWNER, ("bob@x.example",))]
facts += [why_not_reply(message, OWNER, datetime.now(UTC))]
seconds = time.process_time() - begun
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({{"octets": octets, "seconds": seconds, "grown": grown * 1024}}))
"""


@pytest.mark.parametrize("kind", MESSAGES)
def test_all_facts_of_a_hostile_message_are_cheap(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(raw=MESSAGES[kind])],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    took = json.loads(done.stdout)
    assert took["octets"] > 400_000
    assert took["seconds"] < 2
    assert took["grown"] < 256 * 1024**2
