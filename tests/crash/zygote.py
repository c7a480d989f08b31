"""The program without its start: a process that has loaded all of it, and forks.

A program of its own: `python zygote.py`. Each line that it reads is a request; it
answers with the PID of a child that has stopped itself, and with the child's exit
status (below 0: the signal) once it has been told to go on, and has ended.
"""

from __future__ import annotations

import gc
import json
import os
import secrets
import signal
import sys
from pathlib import Path

import postroom.commands.run
import postroom.service.folders
import postroom.service.performer
import postroom.transport.imap.account
import postroom.transport.maildir.drafts
import postroom.transport.pop3.account
import postroom.transport.smtp.relay

# By these names a process knows its own drafts from those of one that has died.
_NAMERS = (postroom.service.folders, postroom.transport.maildir.drafts)


def _take_own_names() -> None:
    for module in _NAMERS:
        kind = vars(module)["_RUN"].removesuffix("-").rpartition("-")[0]
        vars(module)["_RUN"] = f"{kind}-{secrets.token_hex(8)}-"


def _child(request: dict[str, str]) -> int:
    os.kill(os.getpid(), signal.SIGSTOP)
    _take_own_names()
    os.environ["POSTROOM_FAILPOINT"] = request["failpoint"]
    with open(request["log"], "ab", buffering=0) as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    settings = Path(request["settings"])
    return postroom.commands.run.main(settings, True, "json", "info")


def _serve(request: dict[str, str]) -> None:
    pid = os.fork()
    if not pid:
        status = 70
        try:
            status = int(_child(request))
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.waitpid(pid, os.WUNTRACED)
    print(pid, flush=True)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)


def main() -> None:
    """Serve until there are no more requests."""
    gc.freeze()
    for line in sys.stdin:
        _serve(json.loads(line))


if __name__ == "__main__":
    main()
