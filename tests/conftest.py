"""What every test may ask for: certificates, and real mail servers on loopback."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from postroom.log import redaction
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot
from tests.servers.postfix import PostfixServer, running_postfix
from tests.servers.programs import why_not
from tests.servers.sink import RecordingSmtp, recording_smtp

# Workers are told a width of the screen; tables are tested without one.
os.environ.pop("COLUMNS", None)


@pytest.fixture(autouse=True)
def put_logging_back() -> Iterator[None]:
    """Logging and its secrets belong to the process: leave them as they were found."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers, logging.root.level = handlers, level
    redaction.forget_secrets()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of our own and its certificate for loopback."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    return Certificates.issue(folder)


@pytest.fixture(scope="session")
def dovecot(certificates: Certificates) -> Iterator[DovecotServer]:
    """A private Dovecot; a test takes a `new_user()` for itself."""
    _skip_without("dovecot")
    with running_dovecot(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def postfix(
    certificates: Certificates, dovecot: DovecotServer
) -> Iterator[PostfixServer]:
    """A private Postfix that keeps all mail but that of Dovecot's users."""
    _skip_without("postfix")
    with running_postfix(certificates, dovecot) as server:
        yield server


@pytest.fixture
def sink() -> Iterator[RecordingSmtp]:
    """An SMTP server without TLS that keeps what it takes; a new one for each test."""
    with recording_smtp() as server:
        yield server


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine stands in Berlin, an hour or two before UTC."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _skip_without(program: str) -> None:
    if reason := why_not(program):
        pytest.skip(reason)
