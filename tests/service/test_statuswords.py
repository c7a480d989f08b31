"""How the daemon stands is told in one line, what needs a look included."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postroom.ports import DeliveryState
from postroom.service.events import WatchChanged, WatchState
from postroom.service.health import RelayState
from postroom.service.statuswords import Scene, tell_scene
from tests.store.samples import NOON


def told(state: WatchState, seconds: float | None = None) -> WatchChanged:
    """What is told of a mailbox, tried again in so many seconds."""
    again = None if seconds is None else NOON + timedelta(seconds=seconds)
    return WatchChanged("any", "INBOX", state, retry_at=again)


IDLE, AWAY = told(WatchState.IDLE), told(WatchState.RETRYING, 40)


def test_accounts_are_counted_by_what_they_are_at() -> None:
    scene = Scene({"a": [IDLE], "b": [IDLE], "c": [AWAY]})
    line = "3 accounts, 2 idle, 1 retrying in 40 s; outbox 0"
    assert tell_scene(scene, NOON) == line


def test_an_account_is_at_what_most_needs_a_look() -> None:
    """And the next try is the soonest of all that are waited for."""
    polling, later = told(WatchState.POLLING), told(WatchState.RETRYING, 700)
    accounts = {"a": [IDLE, AWAY, later], "b": [later], "c": [polling, IDLE], "d": []}
    line = "4 accounts, 1 idle, 1 connecting, 2 retrying in 40 s; outbox 0"
    assert tell_scene(Scene(accounts), NOON) == line


def test_whose_password_is_refused_is_named() -> None:
    refused = told(WatchState.REFUSED)
    scene = Scene({"work": [refused], "home": [refused]}, paused=1)
    line = "3 accounts, 2 refused (home, work), 1 paused; outbox 0"
    assert tell_scene(scene, NOON) == line


def test_the_outbox_is_told_with_what_keeps_it_from_leaving() -> None:
    outbox = {DeliveryState.DELAYED: 2, DeliveryState.SENDING: 1, DeliveryState.HELD: 4}
    relay = RelayState(last_error="no", retry_at=NOON + timedelta(minutes=5))
    relays = {"home": relay, "work": RelayState(last_success=NOON)}
    scene = Scene({}, outbox=outbox, is_open=False, relays=relays, notices=["no room"])
    assert tell_scene(scene, NOON) == (
        "0 accounts; outbox 3, 4 held, nothing goes out: hold = true; "
        "relay home fails, tried in 5 min; no room"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "now"), (0.9, "now"), (119, "in 119 s"), (120, "in 2 min"), (7200, "in 2 h")],
)
def test_times_are_told_no_finer_than_they_matter(seconds: float, words: str) -> None:
    scene = Scene({"a": [told(WatchState.RETRYING, seconds)]})
    assert tell_scene(scene, NOON) == f"1 account, 1 retrying {words}; outbox 0"


def test_only_what_is_waited_for_has_it_told_again_soon() -> None:
    assert not Scene({"a": [IDLE]}, outbox={DeliveryState.HELD: 1}).waits
    assert Scene({"a": [IDLE, AWAY]}).waits
    assert Scene({}, outbox={DeliveryState.QUEUED: 1}).waits
    assert Scene({}, relays={"home": RelayState(retry_at=NOON)}).waits
