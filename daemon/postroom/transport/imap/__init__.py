"""IMAP: the only place that knows aioimaplib.

What the library leaves open is closed here: framing is bounded and linear, the loss of
a connection fails whatever waits for it, and every wait has a deadline.
"""

from __future__ import annotations

import logging

# At DEBUG the library writes passwords and the bodies of messages.
logging.getLogger("aioimaplib").setLevel(logging.INFO)
