"""What every test may ask for: certificates, and real mail servers on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom import log
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer, running_dovecot
from tests.servers.postfix import PostfixServer, running_postfix
from tests.servers.programs import why_not
from tests.servers.sink import RecordingSmtp, recording_smtp


@pytest.fixture(autouse=True)
def forget_secrets() -> Iterator[None]:
    """Secrets are registered with the process: forget those of the test."""
    yield
    log._secrets.clear()


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


def _skip_without(program: str) -> None:
    if reason := why_not(program):
        pytest.skip(reason)
