"""How mail goes: a submission server spoken to in SMTP, one message at a time."""

from __future__ import annotations

from postroom.transport.smtp.relay import SmtpRelay
from postroom.transport.smtp.session import SubmissionServer, Timings

__all__ = ["SmtpRelay", "SubmissionServer", "Timings"]
