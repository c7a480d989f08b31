"""Every input of the corpus is taken as it was when it was added."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import imap_commands, imap_responses, pop3_answers
from tests.fuzz.seeds import CORPUS, seeds

TARGETS = {
    "imap_commands": imap_commands.fuzz,
    "imap_responses": imap_responses.fuzz,
    "pop3_answers": pop3_answers.fuzz,
}
INPUTS = [seed for target in TARGETS for seed in seeds(target)]


@pytest.mark.parametrize("seed", INPUTS, ids=lambda seed: seed.name)
def test_an_input_of_the_corpus_holds(seed: Path) -> None:
    TARGETS[seed.parent.name](seed.read_bytes())


def test_every_target_has_a_corpus() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == TARGETS.keys()


def test_the_readers_of_responses_are_found() -> None:
    assert imap_responses.READERS.keys() >= {"read", "fetched", "searched", "listed"}
