"""Killed at any moment, on a bad network, while mail comes in.

`CRASH_KILLS` asks for the campaign: as many kills at least, in rounds that are noted in
`CRASH_DIR`; those that stand there are not gone through again. `CRASH_SEED` is the seed
of its first round, or of the short form.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crash.random_round import Outcome, play_round
from tests.crash.random_table import note_outcome, read_outcomes, table
from tests.servers.dovecot import DovecotServer

KILLS_A_ROUND = 20
KILLS = int(os.environ.get("CRASH_KILLS", 0))
SEED = int(os.environ.get("CRASH_SEED", 1))
FOLDER = Path(os.environ.get("CRASH_DIR", "build/crash"))
SEEDS = range(SEED, SEED + max(1, -(-KILLS // KILLS_A_ROUND)))


def hold(outcome: Outcome) -> None:
    """Show what came of a round, and fail with all that is wrong."""
    print(table([outcome]), flush=True)
    if outcome.problems:
        told = "\n".join(outcome.problems[:40])
        pytest.fail(f"CRASH_SEED={outcome.seed}:\n{told}")


@pytest.mark.timeout(300)
def test_a_few_random_kills(dovecot: DovecotServer, tmp_path: Path) -> None:
    hold(play_round(tmp_path, dovecot, SEED, kills=5))


@pytest.mark.skipif(not KILLS, reason="`make crash-long` has the campaign")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_round_of_the_campaign(
    seed: int, dovecot: DovecotServer, tmp_path: Path
) -> None:
    if seed in {each.seed for each in read_outcomes(FOLDER)}:
        pytest.skip("this round was gone through before")
    outcome = play_round(tmp_path, dovecot, seed, KILLS_A_ROUND)
    note_outcome(FOLDER, outcome)
    hold(outcome)
