"""Every moment has a time on every clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postroom.rules.clocks import in_zone

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_it_is_what_the_clocks_of_the_zone_show(in_berlin: None) -> None:
    assert in_zone(NOON, "Asia/Tokyo").isoformat() == "2026-03-02T21:00:00+09:00"
    assert in_zone(NOON, None).isoformat() == "2026-03-02T13:00:00+01:00"


@pytest.mark.parametrize("zone", [None, "America/New_York", "Pacific/Kiritimati"])
def test_the_ends_of_time_have_one_as_well(zone: str | None, in_berlin: None) -> None:
    for moment in (datetime.min, datetime.max):
        assert in_zone(moment.replace(tzinfo=UTC), zone) == moment.replace(tzinfo=UTC)
