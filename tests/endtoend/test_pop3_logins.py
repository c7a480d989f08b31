"""An account whose server has another name in the settings: what is kept on the server
is neither stored nor handled again, and nothing of another maildrop is passed over.

The messages have no Received field: nothing but their octets tells their age.
"""

from __future__ import annotations

import pytest

from tests.endtoend.maildrops import PopHouse, in_the_clear
from tests.endtoend.sorting import SIX, expect, expect_forwards, found_in, letter
from tests.servers.maildrop import Maildrop, serving_maildrop

NUMBERS = range(len(SIX))
LETTERS = [letter(number, SIX) for number in NUMBERS]


@pytest.mark.parametrize("names", [True, False])
def test_another_name_of_the_server_repeats_nothing(
    house: PopHouse, maildrop: Maildrop, names: bool
) -> None:
    maildrop.put(*LETTERS)
    maildrop.names = names
    for host in ("127.0.0.1", "localhost", "127.0.0.1"):
        pop3 = in_the_clear(maildrop.port)
        daemon = house.daemon(pop3, "keep = true")
        written = daemon.settings.read_text()
        daemon.settings.write_text(written.replace('"127.0.0.1"', f'"{host}"', 1))
        assert daemon.visit() == ()
    assert found_in(daemon.stored()) == expect(NUMBERS, SIX)
    assert house.sent(SIX) == expect_forwards(NUMBERS, SIX)
    assert len(maildrop.letters) == len(SIX)


def test_a_wrong_port_for_a_while_repeats_nothing(
    house: PopHouse, maildrop: Maildrop
) -> None:
    """Behind it is another maildrop; its messages have the very same names and sizes,
    and are handled as well."""
    maildrop.put(*LETTERS)
    with serving_maildrop() as other:
        other.put(*(letter(number, SIX) for number in range(6, 12)))
        sizes = [each.size for each in maildrop.letters]
        assert [each.size for each in other.letters][:4] == sizes[:4]
        for port in (maildrop.port, other.port, maildrop.port):
            daemon = house.daemon(in_the_clear(port), "keep = true")
            assert daemon.visit() == ()
    numbers = range(12)
    assert found_in(daemon.stored()) == expect(numbers, SIX)
    assert house.sent(SIX) == expect_forwards(numbers, SIX)


def test_what_another_maildrop_holds_is_not_removed_unseen(
    house: PopHouse, maildrop: Maildrop
) -> None:
    """What was to be removed from the one has the names and sizes that are there."""
    maildrop.put(*LETTERS)
    with serving_maildrop() as other:
        other.put(*(letter(number, SIX) for number in range(6, 12)))
        daemon = house.daemon(in_the_clear(maildrop.port), "keep = true")
        assert daemon.visit() == ()
        daemon = house.daemon(in_the_clear(other.port))
        assert daemon.visit() == ()
        assert other.letters == []
    assert found_in(daemon.stored()) == expect(range(12), SIX)
