"""The soak in its short form with every run of the tests, and in its long one.

`SOAK_MINUTES` asks for the long one; `SOAK_SEED` repeats one that failed.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.servers.dovecot import DovecotServer
from tests.soak.findings import Shape
from tests.soak.soak import soak

MINUTES = float(os.environ.get("SOAK_MINUTES", 0))
SHORT = Shape(
    seed=int(os.environ.get("SOAK_SEED", 3)),
    accounts=2,
    letters=80,
    lasts=15,
    between=(0.3, 1.2),
    hurry=15,
    patience=300,
    settles=1,
    poll=2,
)


def long(minutes: float) -> Shape:
    """Twenty mailboxes, 2,000 letters in twenty minutes, a fault every few seconds."""
    return Shape(
        seed=int(os.environ.get("SOAK_SEED", random.randrange(2**31))),
        accounts=4,
        letters=round(100 * minutes),
        lasts=60 * minutes,
        between=(1, 5),
        hurry=6,
        patience=1200,
        settles=60,
        poll=30,
    )


def hold(shape: Shape, dovecot: DovecotServer, folder: Path) -> None:
    """Have a soak, show what was measured, and fail with all that is wrong."""
    print(f"\nthe soak begins; to repeat it: SOAK_SEED={shape.seed}", flush=True)
    findings = soak(shape, dovecot, folder)
    print(findings.table(), flush=True)
    if problems := findings.problems():
        told = "\n".join(problems[:40])
        pytest.fail(f"{len(problems)} problems, SOAK_SEED={shape.seed}:\n{told}")


@pytest.mark.timeout(450)
def test_a_short_soak(dovecot: DovecotServer, tmp_path: Path) -> None:
    hold(SHORT, dovecot, tmp_path)


@pytest.mark.skipif(not MINUTES, reason="`make soak` has the long soak")
@pytest.mark.timeout(60 * MINUTES + 1800)
def test_a_long_soak(dovecot: DovecotServer, tmp_path: Path) -> None:
    hold(long(MINUTES), dovecot, tmp_path)
