"""A soak: letters arrive while the network fails, and in the end each is in its place.

The daemon is run again afterwards, and must find nothing left to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.chaos import chaos_proxy
from tests.servers.dovecot import DovecotServer
from tests.servers.programs import wait_until
from tests.servers.sink import recording_smtp
from tests.soak.findings import Findings, Shape
from tests.soak.household import Household, Runner, running_daemon
from tests.soak.letters import Letter
from tests.soak.weather import Weather

# What Dovecot never does, and the daemon must not believe of it.
_UNTRUE = ("uids_numbered_anew", "arrivals_held")


def soak(shape: Shape, dovecot: DovecotServer, folder: Path) -> Findings:
    """Go through with it, and tell what came of it."""
    with ExitStack() as stack:
        household = _move_in(stack, shape, dovecot)
        sink = stack.enter_context(recording_smtp())
        letters = [Letter(n, shape.accounts) for n in range(shape.letters)]
        findings = Findings(shape, household, sink, letters)
        settings = household.settle_in(folder, sink, shape.poll)
        with running_daemon(settings, shape.hurry, dovecot, "first") as daemon:
            _live_through(findings, daemon)
            _sum_up(findings, daemon)
        with running_daemon(settings, shape.hurry, dovecot, "again") as daemon:
            wait_until(lambda: _is_attentive(daemon, shape), "the second watching", 60)
            daemon.stop()
            findings.handled_again = daemon.count()["message_handled"]
        return findings


def _move_in(stack: ExitStack, shape: Shape, dovecot: DovecotServer) -> Household:
    users = [dovecot.new_user() for _ in range(shape.accounts)]
    proxies = [
        stack.enter_context(chaos_proxy(dovecot.host, dovecot.ports.imap))
        for _ in users
    ]
    household = Household(dovecot, users, proxies)
    household.create_mailboxes()
    return household


def _live_through(findings: Findings, daemon: Runner) -> None:
    """Bad weather with letters, then calm until all is done, and a while longer."""
    shape = findings.shape
    wait_until(lambda: _is_attentive(daemon, shape), "the watching", 60)
    findings.usage["at first"] = daemon.usage()
    with _bad_weather(findings):
        for letter in _paced(findings.letters, shape.lasts):
            findings.household.deliver(letter)
            if letter.number == shape.letters // 2:
                findings.usage["half-way"] = daemon.usage()
    findings.finished = _finish(findings, daemon)
    time.sleep(shape.settles)  # what is done twice is done late
    findings.usage["at last"] = daemon.usage()


def _finish(findings: Findings, daemon: Runner) -> float | None:
    """How many seconds it took until all was done; None if there was no end of it."""
    cleared = time.monotonic()
    while (passed := time.monotonic() - cleared) < findings.shape.patience:
        if findings.handled():
            return passed
        if daemon.process.poll() is not None:
            break
        time.sleep(0.5)
    return None


def _sum_up(findings: Findings, daemon: Runner) -> None:
    findings.exit_code = daemon.stop()
    findings.records = [list(each.records) for each in findings.household.proxies]
    findings.events = daemon.count()
    findings.faulty_events = [
        f"the daemon logged {event}"
        for event in daemon.events()
        if event["event"] in _UNTRUE or event["level"] in ("error", "critical")
    ]


def _is_attentive(daemon: Runner, shape: Shape) -> bool:
    """True when two mailboxes of each account are held, and the others polled."""
    told = daemon.count()
    held, polled = 2 * shape.accounts, shape.accounts
    return told["mailbox_watched"] >= held and told["mailboxes_polled"] >= polled


@contextmanager
def _bad_weather(findings: Findings) -> Iterator[None]:
    """Bad weather until the end of the block."""
    shape, over = findings.shape, threading.Event()
    weather = Weather(shape.seed, findings.household.proxies, shape.between)
    thread = threading.Thread(target=weather.rage, args=(over,), name="weather")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _paced(letters: Sequence[Letter], seconds: float) -> Iterator[Letter]:
    """Each letter at its time, evenly over so many seconds."""
    begun = time.monotonic()
    for place, letter in enumerate(letters):
        due = begun + seconds * place / len(letters)
        time.sleep(max(0, due - time.monotonic()))
        yield letter
