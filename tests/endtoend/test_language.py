"""Each condition holds and each action does as its row says, on a real server."""

from __future__ import annotations

import email
import email.policy
import imaplib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from postroom.hooks.discovery import discover_plugins
from postroom.hooks.plugins import Registered
from postroom.rules.condition import Options
from tests.endtoend.conftest import MakeDaemon
from tests.endtoend.daemon import Daemon
from tests.endtoend.language import ACTIONS, CONDITIONS, LAST, Letter, rule, used
from tests.endtoend.test_main_job import plain
from tests.servers.dovecot import DovecotServer
from tests.servers.reading import Stored, checked
from tests.servers.sink import RecordingSmtp

WATCH = 'watch = ["INBOX", "Lists"]\n'
Place = tuple[str, frozenset[str]]


def test_every_condition_holds_for_what_fits_and_for_nothing_else(
    dovecot: DovecotServer, sink: RecordingSmtp, make_daemon: MakeDaemon
) -> None:
    user = dovecot.new_user()
    expected: dict[int, str] = {}
    letters: list[tuple[int, Letter]] = []
    for row, asked in enumerate(CONDITIONS):
        for letter in asked.fits:
            expected[len(letters)] = "Fits"
            letters.append((row, letter))
        for letter in asked.others:
            expected[len(letters)] = letter.mailbox
            letters.append((row, letter))
    lay(dovecot, user, letters)
    rules = (rule(n, row.when, 'move = "Fits"') for n, row in enumerate(CONDITIONS))
    run(make_daemon(user, plain(sink), "process", rules="".join(rules), more=WATCH))
    found = {n: [name for name, _ in at] for n, at in places(dovecot, user).items()}
    wrong = {
        (CONDITIONS[letters[n][0]].when, letters[n][1]): (found.get(n), name)
        for n, name in expected.items()
        if found.get(n) != [name]
    }
    assert wrong == {}


def test_every_action_does_what_it_says_and_nothing_else(
    dovecot: DovecotServer,
    sink: RecordingSmtp,
    make_daemon: MakeDaemon,
    tmp_path: Path,
) -> None:
    user = dovecot.new_user()
    letters = [(n, one) for n, row in enumerate(ACTIONS) for one in row.letters]
    lay(dovecot, user, letters)
    rules = [rule(n, 'from = "*"', row.then) for n, row in enumerate(ACTIONS)]
    written = "".join([*rules, LAST]).replace("SAVED", str(tmp_path / "saved"))
    run(make_daemon(user, plain(sink), "process", rules=written, more=WATCH))
    found: dict[int, Counter[Place]] = {}
    for number, at in places(dovecot, user).items():
        found.setdefault(letters[number][0], Counter()).update(at)
    wrong = {
        row.then: (found.get(n, Counter()), Counter(row.places))
        for n, row in enumerate(ACTIONS)
        if found.get(n, Counter()) != Counter(row.places)
    }
    assert wrong == {}
    sent = [(to, read(one.raw)) for one in sink.received for to in one.recipients]
    for to, saying in (each for row in ACTIONS for each in row.sent):
        matching = [one for one in sent if one[0] == to and saying in one[1]]
        assert matching, (to, saying, sent)
        sent.remove(matching[0])
    assert sent == []
    assert misplaced(tmp_path / "saved") == []


def misplaced(folder: Path) -> list[tuple[str, str]]:
    """What rows say of files and is not so; a name ends in `/` for any file there."""
    there = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    for name, saying in (each for row in ACTIONS for each in row.saved):
        place = str(folder / name) + ("/" if name.endswith("/") else "")
        found = [path for path in there if str(path).startswith(place)]
        if len(found) != 1 or saying not in there.pop(found[0]):
            return [(name, saying), *((str(path), "") for path in found)]
    return [(str(p), text) for p, text in there.items() if p.name != "maildirfolder"]


def test_every_condition_and_every_option_of_one_has_its_row() -> None:
    rows = {each for row in CONDITIONS for each in used(row.when)}
    assert missing(discover_plugins().conditions, rows) == []


def test_every_action_and_every_option_of_one_has_its_row() -> None:
    rows = {each for row in ACTIONS for each in used(row.then)}
    assert missing(discover_plugins().actions, rows) == []


def lay(
    dovecot: DovecotServer, user: str, letters: Sequence[tuple[int, Letter]]
) -> None:
    """Put the letters where they arrive, each with its row and a number of its own."""
    dovecot.create(user, "Lists")
    owner = dovecot.address(user)
    with dovecot.client(user) as client:
        for number, (row, letter) in enumerate(letters):
            raw = letter.write(row, number, owner)
            day = imaplib.Time2Internaldate(letter.arrived) if letter.arrived else ""
            checked(client.append(letter.mailbox, f"({letter.flags})", day, raw))


def run(daemon: Daemon) -> None:
    """Run it once, on a machine that stands in Berlin."""
    daemon.environment = {**daemon.environment, "TZ": "Europe/Berlin"}
    daemon.run_once()


def places(dovecot: DovecotServer, user: str) -> dict[int, list[Place]]:
    """By number where each letter is, and with which flags."""
    found: dict[int, list[Place]] = {}
    for name, messages in dovecot.mailboxes(user).items():
        for stored in messages:
            found.setdefault(read_number(stored), []).append((name, stored.flags))
    return found


def read_number(stored: Stored) -> int:
    """The number of a letter."""
    return int(email.message_from_bytes(stored.raw)["X-Number"])


def read(raw: bytes) -> str:
    """The subject and the texts of a message."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    parts = [part for part in message.walk() if part.get_content_type() == "text/plain"]
    texts = [part.get_content() for part in parts]
    return "\n".join([f"Subject: {message['Subject']}", *texts])


def missing(
    registered: Mapping[str, Registered[Options]], rows: Iterable[tuple[str, str]]
) -> list[str]:
    """What no row is about: a name, or an option of one that has several."""
    told = set(rows)
    found = []
    for name, known in registered.items():
        main = known.type.main_option()
        options = {f.alias or key for key, f in known.type.model_fields.items()}
        if not any(row[0] == name for row in told):
            found.append(name)
        elif len(options) > 1:
            written = {option or main for row, option in told if row == name}
            found += [f"{name}.{option}" for option in options - written]
    return found
