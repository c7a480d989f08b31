"""A relay that fails at one message and serves others is not to blame for it."""

from __future__ import annotations

from datetime import UTC, datetime

from postroom.ports import DueDelivery
from postroom.service.blame import Blame

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def due(number: int, message: int) -> DueDelivery:
    """A delivery of this message."""
    return DueDelivery(number, message, "home", f"{number}@example.com", 0, NOON)


def test_a_relay_that_fails_at_everything_is_to_blame() -> None:
    blame = Blame()
    assert not blame.is_on(1)
    assert not blame.is_on(1)
    assert not blame.is_on(2)


def test_the_message_is_to_blame_if_others_were_served_meanwhile() -> None:
    blame = Blame()
    assert not blame.is_on(1)
    blame.note_served()
    assert blame.is_on(1)
    blame.clear(1)
    assert not blame.is_on(1), "it begins anew"


def test_what_a_relay_failed_at_comes_last_and_together() -> None:
    blame = Blame()
    blame.is_on(1)
    ordered = blame.in_order([due(1, 1), due(2, 1), due(3, 2)])
    assert ordered == [(2, [due(3, 2)]), (1, [due(1, 1), due(2, 1)])]
