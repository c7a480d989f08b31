"""Secrets are read anew at each login, and kept for when they can't be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postroom.config.secrets import Secrets
from postroom.errors import ConfigError
from postroom.service.vault import Vault


def test_all_secrets_that_cannot_be_had_are_told_at_once(tmp_path: Path) -> None:
    vault = Vault(Secrets(environment={"HERE": "word"}))
    with pytest.raises(ConfigError) as caught:
        asyncio.run(vault.open(["env:AWAY", "env:HERE", f"file:{tmp_path}/none"]))
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 2
    assert "env:AWAY" in told[0]
    assert f"file:{tmp_path}/none" in told[1]


def test_a_changed_secret_is_picked_up() -> None:
    environment = {"WORD": "first"}
    vault = Vault(Secrets(environment=environment))
    asyncio.run(vault.open(["env:WORD"]))
    assert vault.get("env:WORD") == "first"
    environment["WORD"] = "second"
    assert vault.get("env:WORD") == "second"


def test_it_tells_which_secrets_are_others_than_before() -> None:
    """A login that was refused is tried again for these alone."""
    environment = {"ONE": "first", "TWO": "first"}
    vault = Vault(Secrets(environment=environment))
    references = ["env:ONE", "env:TWO"]
    assert asyncio.run(vault.open(references)) == set(references)
    environment["TWO"] = "second"
    assert asyncio.run(vault.open(references)) == {"env:TWO"}
    assert asyncio.run(vault.open(references)) == frozenset()


def test_a_secret_that_cannot_be_had_now_is_as_it_was() -> None:
    environment = {"WORD": "first"}
    vault = Vault(Secrets(environment=environment))
    asyncio.run(vault.open(["env:WORD"]))
    environment["WORD"] = "second"
    vault.get("env:WORD")
    del environment["WORD"]
    assert vault.get("env:WORD") == "second"


def test_the_vault_does_not_show_what_it_holds() -> None:
    vault = Vault(Secrets(environment={"WORD": "canary-7d1f"}))
    asyncio.run(vault.open(["env:WORD"]))
    assert "canary-7d1f" not in repr(vault)
