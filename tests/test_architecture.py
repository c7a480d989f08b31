"""Every source file keeps the rules of the house, and each rule can be broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests import architecture
from tests.architecture import (
    CATCHES_ALL,
    LOADS_LATE,
    LONGEST_FUNCTION,
    LONGEST_MODULE,
    OWNERS,
    PACKAGE,
    RANKS,
    ROOT,
    Source,
    sources,
)

Check = Callable[[Source], Iterator[str]]

DAEMON = ("daemon",)
PLUGINS = ("plugins",)
SHIPPED = (*DAEMON, *PLUGINS)
ALL = (*SHIPPED, "tests")

CHECKS: list[tuple[Check, tuple[str, ...]]] = [
    (architecture.ranks, DAEMON),
    (architecture.owners, DAEMON),
    (architecture.plugin_imports, PLUGINS),
    (architecture.lazy_imports, SHIPPED),
    (architecture.module_length, ALL),
    (architecture.function_length, ALL),
    (architecture.docstrings, SHIPPED),
    (architecture.reasons, ALL),
    (architecture.broad_excepts, ALL),
]

LONG_FUNCTION = "def long():\n" + "    pass\n" * LONGEST_FUNCTION

# A check, a file of the package, and a text that breaks the rule.
PLANTED: list[tuple[Check, str, str]] = [
    (architecture.ranks, "mail/x.py", "from postroom.rules.plan import Plan"),
    (architecture.ranks, "store/x.py", "import postroom.transport.imap"),
    (architecture.ranks, "service/x.py", "from postroom import Message"),
    (architecture.ranks, "mail/x.py", "from postroom import ports"),
    (architecture.ranks, "utils/x.py", "from postroom.errors import PostroomError"),
    (architecture.owners, "service/x.py", "import aioimaplib"),
    (architecture.owners, "transport/imap.py", "import aiosmtplib"),
    (architecture.owners, "service/x.py", "import ssl"),
    (architecture.owners, "mail/x.py", "def f():\n    import numpy.linalg"),
    (architecture.plugin_imports, "x.py", "from postroom.mail.body import Body"),
    (architecture.plugin_imports, "x.py", "import pydantic"),
    (architecture.plugin_imports, "x.py", "from . import y"),
    (architecture.lazy_imports, "mail/x.py", "async def f():\n    import json"),
    (architecture.module_length, "mail/x.py", "\n" * (LONGEST_MODULE + 1)),
    (architecture.function_length, "mail/x.py", LONG_FUNCTION),
    (architecture.function_length, "mail/x.py", f"async {LONG_FUNCTION}"),
    (architecture.docstrings, "mail/x.py", ""),
    (architecture.docstrings, "mail/x.py", '"""M."""\nclass A: ...'),
    (architecture.docstrings, "mail/x.py", '"""M."""\nasync def f(): ...'),
    (architecture.docstrings, "x.py", '"""M."""\nclass A:\n  "A."\n  def f(s): ...'),
    (architecture.docstrings, "x.py", '"M"\nclass A(Protocol):\n  "A."\n  def f(s): 1'),
    (architecture.reasons, "mail/x.py", "x = 1  # noqa"),
    (architecture.reasons, "mail/x.py", "x = 1  # noqa: E501"),
    (architecture.reasons, "mail/x.py", "x = 1  # type: ignore"),
    (architecture.reasons, "mail/x.py", "x = 1  # type: ignore[misc]"),
    (architecture.broad_excepts, "mail/x.py", "try: ...\nexcept: ..."),
    (architecture.broad_excepts, "x.py", "try: ...\nexcept (A, Exception): ..."),
    (architecture.broad_excepts, "x.py", "try: ...\nexcept BaseException: ..."),
]

# The same, but texts that keep the rule.
KEPT: list[tuple[Check, str, str]] = [
    (architecture.ranks, "store/x.py", "from postroom.store import y, z"),
    (architecture.ranks, "service/x.py", "from postroom import __version__, log"),
    (architecture.ranks, "__init__.py", "from postroom.rules.plan import Plan"),
    (architecture.owners, "transport/imap/x.py", "import aioimaplib, json"),
    (architecture.plugin_imports, "x.py", "import json\nfrom postroom import Message"),
    (architecture.lazy_imports, "commands/x.py", "def f():\n    import json"),
    (architecture.lazy_imports, next(iter(LOADS_LATE)), "def f():\n    import json"),
    (architecture.docstrings, "x.py", '"M"\nclass A(B):\n  "A."\n  def f(s): ...'),
    (architecture.docstrings, "x.py", '"M"\nclass _A:\n  def f(s): ...\ndef _g(): ...'),
    (architecture.reasons, "x.py", "x = 1  # noqa: E501 - a table reads better"),
    (architecture.reasons, "x.py", "x = 1  # type: ignore[misc] # an untyped class"),
    (architecture.reasons, "x.py", "x = '# noqa'"),
    (architecture.broad_excepts, "x.py", "try: ...\nexcept Exception:\n  f()\n  raise"),
    (architecture.broad_excepts, "x.py", "try: ...\nexcept OSError: ..."),
]


@pytest.mark.parametrize(("check", "folders"), CHECKS)
def test_every_file_keeps_the_rule(check: Check, folders: tuple[str, ...]) -> None:
    """Shows all offences, of all files, at once."""
    assert [line for source in sources(*folders) for line in check(source)] == []


@pytest.mark.parametrize(("check", "place", "text"), PLANTED)
def test_a_planted_offence_is_found(check: Check, place: str, text: str) -> None:
    """One offence each: a check that finds nothing here would find nothing there."""
    assert len(list(check(Source(f"{PACKAGE}/{place}", text)))) == 1


@pytest.mark.parametrize(("check", "place", "text"), KEPT)
def test_what_is_allowed_is_no_offence(check: Check, place: str, text: str) -> None:
    """A check that finds everything is as little use as one that finds nothing."""
    assert list(check(Source(f"{PACKAGE}/{place}", text))) == []


def test_every_check_has_a_planted_offence() -> None:
    """So that a new check is proven able to fail."""
    assert {check for check, _ in CHECKS} == {check for check, _, _ in PLANTED}


def test_ranks_owners_and_leaves_name_what_is_there() -> None:
    """A table that speaks of a file long gone would let its successor do anything."""
    package = ROOT / PACKAGE
    named = [owner for allowed in OWNERS.values() for owner in allowed]
    named += [*CATCHES_ALL, *LOADS_LATE]
    missing = [place for place in named if not (package / place).exists()]
    assert missing == []
    parts = {path.stem for path in package.iterdir() if path.suffix in {"", ".py"}}
    assert parts - {"__pycache__"} <= RANKS.keys()
