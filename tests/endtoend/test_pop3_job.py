"""Mail in over POP3, sorted into a local Maildir: exactly as the oracle says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from tests.endtoend.daemon import Event
from tests.endtoend.maildrops import PopDaemon, PopHouse, over_tls
from tests.endtoend.sorting import (
    expect,
    expect_forwards,
    found_in,
    letter,
    numbers_in,
)
from tests.servers.certificates import Certificates
from tests.servers.dovecot import DovecotServer

ALL = range(2000)
FOLDERS = {
    "Alerts",
    "Family & Friends",
    "Lists/python",
    "Rechnungen für 2026",
    "Shop",
    "Work",
    "Work/Reports",
    "台北",
}


@dataclass(frozen=True)
class Place:
    """A user of Dovecot whose maildrop is visited over TLS."""

    house: PopHouse
    dovecot: DovecotServer
    certificates: Certificates
    user: str

    def lay(self, numbers: Iterable[int]) -> None:
        """Have these messages arrive."""
        self.dovecot.backlog(self.user, map(letter, numbers))

    def daemon(self, more: str) -> PopDaemon:
        """A daemon with these settings; a later one remembers an earlier one."""
        pop3 = over_tls(self.dovecot, self.certificates)
        return self.house.daemon(pop3, more, user=self.user)

    def left(self) -> list[int]:
        """The numbers of the messages on the server."""
        return numbers_in(self.dovecot.mailboxes(self.user)["INBOX"])


@pytest.fixture
def place(house: PopHouse, dovecot: DovecotServer, certificates: Certificates) -> Place:
    """A user nobody has used yet."""
    return Place(house, dovecot, certificates, dovecot.new_user())


def handled(events: Iterable[Event]) -> int:
    """How many messages were handled."""
    return Counter(each["event"] for each in events)["message_handled"]


@pytest.mark.parametrize(
    ("keep", "left"), [("false", []), ("true", list(ALL)), ('"14d"', list(ALL))]
)
def test_a_maildrop_of_2000_is_sorted_into_eight_folders(
    place: Place, keep: str, left: list[int]
) -> None:
    """Nothing is missing, nothing is there twice, and a second run does nothing."""
    place.lay(ALL)
    daemon = place.daemon(f"keep = {keep}")
    assert handled(daemon.run_once()) == len(ALL)
    assert set(daemon.stored()) == FOLDERS | {"INBOX", "Trash"}
    assert handled(daemon.run_once()) == 0
    assert found_in(daemon.stored()) == expect(ALL)
    assert place.house.sent() == expect_forwards(ALL)
    assert place.left() == left


def test_what_was_kept_is_removed_once_the_policy_says_so(place: Place) -> None:
    """It is removed, and not retrieved again."""
    numbers = range(50)
    place.lay(numbers)
    place.daemon("keep = true").run_once()
    daemon = place.daemon("keep = false")
    assert handled(daemon.run_once()) == 0
    assert place.left() == []
    assert found_in(daemon.stored()) == expect(numbers)
    assert place.house.sent() == expect_forwards(numbers)


def test_new_mail_comes_in_beside_what_is_kept(place: Place) -> None:
    daemon = place.daemon("keep = true")
    for first in (0, 20, 40):
        place.lay(range(first, first + 20))
        assert handled(daemon.run_once()) == 20
    assert found_in(daemon.stored()) == expect(range(60))


def test_mail_that_was_there_before_can_be_left_alone(place: Place) -> None:
    place.lay(range(5))
    daemon = place.daemon('existing = "leave"')
    daemon.run_once()
    place.lay([7])
    daemon.run_once()
    assert found_in(daemon.stored()) == expect([7])
    assert place.left() == [0, 1, 2, 3, 4]
