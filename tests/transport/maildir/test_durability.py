"""What is on disk and when; and that a kill at any point costs nothing and doubles
nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.transport.maildir.letters import letters, octets, prepared, raw
from tests.transport.maildir.tracing import (
    Call,
    is_killed,
    tell_refused,
    trace,
    why_not,
)

BATCH = 250
PUT = """
    maildir = prepared(root)
    phase("put")
    maildir.put(letters(range(1, 7)))
    phase("end")
"""


@pytest.fixture(autouse=True)
def _traced() -> None:
    if reason := why_not():
        pytest.skip(reason)


def synced(calls: list[Call]) -> list[str]:
    """The last two parts of the paths that were synced, in order."""
    paths = [re.search(r"<(.*?)>", c.told) for c in calls if c.name == "fsync"]
    return ["/".join(Path(path[1]).parts[-2:]) for path in paths if path]


def count(calls: list[Call], *names: str) -> int:
    """How many of these calls there were."""
    return sum(call.name in names for call in calls)


def test_a_file_is_on_disk_before_it_has_a_name_and_its_folder_after(
    tmp_path: Path,
) -> None:
    calls = trace(PUT, tmp_path / "m", tmp_path / "log")["put"]
    links = [at for at, call in enumerate(calls) if call.name == "linkat"]
    assert len(links) == 6
    for at in links:
        source = re.search(r'"(postroom-draft-[^"]+)"', calls[at].told)
        assert source
        assert f"tmp/{source[1]}" in synced(calls[:at])
    assert synced(calls[: links[-1]]).count("m/new") == 0
    assert synced(calls[links[-1] :]) == ["m/new"]
    assert all(call.told.endswith("= 0") for call in calls if call.name == "fsync")


def test_a_folder_that_is_made_is_on_disk_before_mail_is_in_it(tmp_path: Path) -> None:
    program = """
        maildir = prepared(root)
        phase("put")
        maildir.put(letters([1]), "Old")
        phase("again")
        maildir.put(letters([2]), "Old")
        phase("end")
    """
    phases = trace(program, tmp_path / "m", tmp_path / "log")
    first = synced(phases["put"])
    linked = next(n for n, call in enumerate(phases["put"]) if call.name == "linkat")
    before = synced(phases["put"][:linked])
    assert before[:3] == ["m/.Old", f"{tmp_path.name}/m", "m/.Old"]
    assert first[-1] == ".Old/new"
    assert len(synced(phases["again"])) == 2


def test_a_batch_costs_one_sync_a_folder_and_one_scan(tmp_path: Path) -> None:
    program = f"""
        maildir = prepared(root)
        for folder in ("Old", "New"):
            maildir.put(letters([999]), folder)
        everything = range(1, {BATCH + 1})
        phase("put")
        maildir.put(letters(everything))
        async def main():
            inbox = mailbox(maildir)
            await inbox.uids_after(0)
            phase("flags")
            await inbox.set_flags(everything, SetFlags(frozenset({{"\\\\Seen"}})))
            phase("copy")
            await inbox.copy(everything, "New")
            phase("move")
            await inbox.move(everything, "Old")
            phase("expunge")
            old = mailbox(maildir, "Old")
            await old.uids_after(0)
            await old.expunge(everything)
            phase("end")
        asyncio.run(main())
    """
    phases = trace(program, tmp_path / "m", tmp_path / "log")
    expected = {
        "flags": ["m/cur", "m/new"],
        "copy": [".New/cur"],
        "move": [".Old/cur", "m/cur"],
        "expunge": [".Old/cur"],
    }
    assert {name: synced(phases[name]) for name in expected} == expected
    assert len(synced(phases["put"])) == BATCH + 1
    assert count(phases["put"], "linkat") == count(phases["put"], "unlinkat") == BATCH
    assert count(phases["flags"], "rename", "renameat", "renameat2") == BATCH
    assert count(phases["move"], "rename", "renameat", "renameat2") == BATCH
    assert count(phases["copy"], "linkat") == BATCH
    for name in ("flags", "copy", "move"):
        assert count(phases[name], "getdents64") == 0


@pytest.mark.parametrize(
    "at",
    [
        *("fchmod:when=1", "utimensat:when=1", "fsync:when=1", "fsync:when=2"),
        *("linkat:when=1", "linkat:when=2", "linkat:when=6"),
        *("unlinkat:when=1", "unlinkat:when=4"),
    ],
)
def test_a_kill_in_the_middle_of_a_put_costs_nothing(tmp_path: Path, at: str) -> None:
    assert is_killed(PUT, tmp_path, at)
    expected = sorted(raw(str(uid)) for uid in range(1, 7))
    if (tmp_path / "new").exists() and (tmp_path / "cur").exists():
        assert set(octets(tmp_path)) <= set(expected)
    # Another program may have come in between.
    for file in (tmp_path / "new").glob("*U2V*"):
        file.rename(tmp_path / "cur" / f"{file.name}:2,S")
    prepared(tmp_path).put(letters(range(1, 7)))
    assert octets(tmp_path) == expected
    assert list((tmp_path / "tmp").iterdir()) == []


FAILING = """
    from postroom.errors import MaildirUnavailable
    maildir = prepared(root)
    try:
        maildir.put(letters([1]))
    except MaildirUnavailable as error:
        print(error, file=sys.stderr)
"""


@pytest.mark.parametrize("only", ["new", None], ids=["folder", "file"])
def test_what_the_disk_does_not_take_is_written_anew(
    tmp_path: Path, only: str | None
) -> None:
    """After a sync that failed, another one of the same file may say that all is well
    though it is not (fsync(2), EIO)."""
    root = tmp_path / "m"
    prepared(root)
    told = tell_refused(FAILING, root, "fsync", only)
    assert "the disk fails" in told
    assert [*(root / "new").iterdir(), *(root / "tmp").iterdir()] == []
    calls = trace(PUT, root, tmp_path / "log")["put"]
    assert count(calls, "linkat") == 6
