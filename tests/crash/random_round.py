"""A round of kills: in each life the daemon is killed at some moment, while mail comes
in and the network fails; in the end it is left in peace, and all must be done.

Some lives are left in peace first, until all that was there is handled: how long that
takes is the recovery. In the others it is killed on its way there.
"""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.crash.random_house import ACCOUNTS, DROP, House, Life, household, life
from tests.crash.random_letters import Held, Letter, expected, message_id
from tests.crash.random_verdict import Sent, Verdict, judge, read_sent
from tests.endtoend.daemon import Daemon
from tests.servers.dovecot import DovecotServer
from tests.servers.programs import ServerFailed
from tests.servers.sink import recording_smtp
from tests.soak.weather import Weather

SOONEST, LATEST = 0.05, 5.0
MEASURED = 0.4
_PATIENCE = 120.0
_BETWEEN_FAULTS = (0.1, 0.6)
_BETWEEN_LETTERS = (0.05, 0.4)


@dataclass(frozen=True)
class Outcome:
    """What came of a round; the recoveries are in seconds."""

    seed: int
    kills: int
    letters: int
    sent: int
    excused: int
    unanswered: int
    quarantined: int
    faults: int
    recoveries: list[float]
    lost: int
    repeated: int
    answered_again: int
    problems: list[str]

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


@dataclass
class Round:
    """A round under way."""

    house: House
    seed: int
    letters: dict[int, Letter] = field(default_factory=dict)
    kills: list[float] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    quarantined: set[str] = field(default_factory=set)
    lives: int = 0
    boot: float = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def run(self, kills: int) -> Outcome:
        """Go through with it; a daemon that does not recover ends it."""
        try:
            self._die_often(kills)
            self._finish()
        except ServerFailed as error:
            self.problems.append(str(error))
        return self._outcome()

    # -- lives -------------------------------------------------------------------------

    def _die_often(self, kills: int) -> None:
        while len(self.kills) < kills:
            if not self.kills or self.rng.random() < MEASURED:
                self._recover_and_die()
            else:
                self._die_on_the_way()
            self.problems += self._gone_too_early()

    def _recover_and_die(self) -> None:
        with self._living() as daemon:
            self.boot = self.boot or daemon.await_word()
            self._await_steady(daemon)
            self.recoveries.append(round(time.monotonic() - daemon.begun, 2))
            with self._storm():
                self._kill_later(daemon, 0)

    def _die_on_the_way(self) -> None:
        """What an interpreter needs to begin with is left out of the time."""
        with self._storm(), self._living() as daemon:
            self._kill_later(daemon, 0.8 * self.boot)

    def _kill_later(self, daemon: Life, seconds: float) -> None:
        """At any time, but the sooner the likelier."""
        drawn = self.rng.uniform(math.log(SOONEST), math.log(LATEST))
        time.sleep(seconds + math.exp(drawn))
        if daemon.process.poll() is not None:
            self.problems.append(f"the daemon ended by itself: {daemon.log}")
        self.kills.append(daemon.kill())

    def _await_steady(self, daemon: Life) -> None:
        """Wait without keeping the daemon from its work."""
        while not self._is_steady():
            if time.monotonic() - daemon.begun > _PATIENCE:
                missing = self._missing(set())[:5]
                raise ServerFailed(f"not steady again after {_PATIENCE} s: {missing}")
            time.sleep(0.1)

    @contextmanager
    def _living(self) -> Iterator[Life]:
        self.lives += 1
        with life(self.house, self.lives) as daemon:
            yield daemon

    def _finish(self) -> None:
        """A last life in peace; the owner has done at once what would be done later."""
        with self._living() as daemon:
            daemon.await_word()
            end = time.monotonic() + _PATIENCE
            while not self._is_done() and time.monotonic() < end:
                self._hurry()
            self.problems += self._differences(set())
            if left := self._left_behind():
                self.problems.append(f"left in the maildrop: {sorted(left)}")
            if (code := daemon.stop()) != 0:
                self.problems.append(f"the daemon ended with {code}")

    def _hurry(self) -> None:
        house, daemon = self.house, Daemon(self.house.folder, {})
        daemon.environment = {"MAIL_PASSWORD": house.dovecot.password}
        if delayed := house.delayed():
            daemon.command("outbox", "retry", *delayed)
        if quarantined := house.quarantined():
            self.quarantined.update(quarantined)
            daemon.command("quarantine", "release", *quarantined)
        daemon.command("poll", "--all")

    # -- the world ---------------------------------------------------------------------

    @contextmanager
    def _storm(self) -> Iterator[None]:
        """Bad weather and new mail until the end of the block."""
        over, proxies = threading.Event(), list(self.house.proxies.values())
        weather = Weather(self.rng.randrange(2**31), proxies, _BETWEEN_FAULTS)
        post = random.Random(self.rng.randrange(2**31))
        threads = [
            threading.Thread(target=weather.rage, args=(over,), name="weather"),
            threading.Thread(target=self._bring_mail, args=(post, over), name="post"),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _bring_mail(self, rng: random.Random, over: threading.Event) -> None:
        while not over.wait(rng.uniform(*_BETWEEN_LETTERS)):
            account = rng.choice(ACCOUNTS)
            number = len(self.letters)
            letter = Letter(number, account, self.house.owner(account))
            self.house.bring(letter)
            self.letters[number] = letter

    # -- how it stands -----------------------------------------------------------------

    def _is_steady(self) -> bool:
        """True if all is done of all that is not to be done later."""
        put_off = self.house.put_off()
        later = {n for n in self.letters if message_id(n) in put_off}
        try:
            return not self._missing(later)
        except (KeyError, FileNotFoundError):
            return False  # a Maildir changed while it was read

    def _is_done(self) -> bool:
        """True if nothing is left to do, but what waits for the owner."""
        if self.house.delayed() or self.house.quarantined() or not self._is_steady():
            return False
        return not (self._differences(set()) or self._left_behind())

    def _missing(self, later: set[int]) -> list[str]:
        letters = [each for n, each in self.letters.items() if n not in later]
        verdict = judge(self._sent(), letters)
        unsent = [*verdict.lost, *verdict.unanswered]
        wrong = [f"nothing was sent for letter {number}" for number in unsent]
        return wrong or self._differences(later | self._gone_at_next_visit())

    def _gone_at_next_visit(self) -> set[int]:
        """What is removed from the POP3 account when that is visited again, which is a
        minute later: it had to be forwarded before."""
        mine = (each for each in self.letters.values() if each.account == DROP)
        return {each.number for each in mine if each.kind.place is None}

    def _differences(self, later: set[int]) -> list[str]:
        """What the accounts hold that they must not, and what they lack; of letters
        whose turn comes later nothing is said."""
        found = self.house.held(self.letters)
        letters = [each for n, each in self.letters.items() if n not in later]
        wrong = []
        for account in ACCOUNTS:
            wanted = expected(each for each in letters if each.account == account)
            there = _without(found[account], later)
            wrong += [f"{account}: missing: {told(one)}" for one in wanted - there]
            wrong += [f"{account}: too much: {told(one)}" for one in there - wanted]
        return wrong

    def _left_behind(self) -> set[int]:
        """What lies in the maildrop though all is known to be done."""
        put_off = self.house.put_off()
        left = self.house.waiting(self.letters)[DROP]
        return {number for number in left if message_id(number) not in put_off}

    def _gone_too_early(self) -> Iterator[str]:
        """Letters that have gone from where they were before all was done."""
        waiting = self.house.waiting(self.letters)
        held = self.house.held(self.letters)
        sent = {one.number for one in self._sent() if not one.answers}
        for number, letter in self.letters.items():
            kind, account = letter.kind, letter.account
            if number in waiting[account]:
                continue
            here = {(name, n) for name, n, _ in held[account]}
            if kind.place is not None and (kind.place, number) not in here:
                yield f"{account}: letter {number} has gone, and is not in {kind.place}"
            only_here = account == DROP or kind.place is None
            if only_here and kind.forwarded and number not in sent:
                yield f"{account}: letter {number} has gone, and was not forwarded"

    def _sent(self) -> list[Sent]:
        heard = b"".join(
            bytes(one.server) for one in self.house.proxies["relay"].records
        )
        return read_sent(self.house.sink.received, heard, self.kills, self.letters)

    def _outcome(self) -> Outcome:
        sent, unknown = self._sent(), self.house.count_unknown()
        verdict: Verdict = judge(sent, self.letters.values())
        records = [one for each in self.house.proxies.values() for one in each.records]
        missing = sum("missing" in each for each in self.problems)
        doubled = sum("too much" in each for each in self.problems)
        return Outcome(
            seed=self.seed,
            kills=len(self.kills),
            letters=len(self.letters),
            sent=len(sent),
            excused=len(verdict.excused),
            unanswered=len(verdict.unanswered),
            quarantined=len(self.quarantined),
            faults=sum(len(record.faults) for record in records),
            recoveries=self.recoveries,
            lost=len(verdict.lost) + missing,
            repeated=len(verdict.repeated) + doubled,
            answered_again=len(verdict.answered_again),
            problems=[*self.problems, *verdict.problems(unknown)],
        )


def told(entry: tuple[str, int, frozenset[str]]) -> str:
    """An entry of what is held, for people."""
    mailbox, number, flags = entry
    return f"letter {number} in {mailbox}, flags {sorted(flags)}"


def _without(held: Held, numbers: set[int]) -> Held:
    return Held({one: n for one, n in held.items() if one[1] not in numbers})


def play_round(folder: Path, dovecot: DovecotServer, seed: int, kills: int) -> Outcome:
    """A whole round, in a folder of its own."""
    with recording_smtp() as sink, household(folder, dovecot, sink) as house:
        return Round(house, seed).run(kills)
