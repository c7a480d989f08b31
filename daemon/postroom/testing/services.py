"""Services in memory, which a test sets and looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from postroom.errors import TemporaryError
from postroom.mail.filenames import number_name
from postroom.rules.services import Ended, Response
from postroom.service.files import split_name
from postroom.service.places import check_place
from postroom.testing.messages import NOON

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Request:
    """What the web was asked for."""

    method: str
    url: str
    content: bytes
    headers: Mapping[str, str]


@dataclass
class SampleHttp:
    """A web of `answers` by their addresses; `requests` has what was asked. An answer
    that is an exception is raised."""

    answers: dict[str, Response | Exception] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """The answer of this address."""
        return self._answer(Request("GET", url, b"", headers or {}))

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The answer of this address."""
        return self._answer(Request("POST", url, content, headers or {}))

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        return _give(self.answers, request.url)


@dataclass(frozen=True)
class Start:
    """How a program was started."""

    arguments: tuple[str, ...]
    content: bytes
    environment: Mapping[str, str]


@dataclass
class SampleRun:
    """Programs that are not run: `answers` by their paths, `starts` as they came. An
    answer that is an exception is raised."""

    answers: dict[str, Ended | Exception] = field(default_factory=dict)
    starts: list[Start] = field(default_factory=list)

    async def __call__(
        self,
        arguments: Sequence[str],
        content: bytes = b"",
        environment: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Ended:
        """How the test says that it ended."""
        self.starts.append(Start(tuple(arguments), content, environment or {}))
        return _give(self.answers, arguments[0])


def _give(answers: Mapping[str, Answer | Exception], asked: str) -> Answer:
    if asked not in answers:
        raise LookupError(f"the test has no answer for {asked}")
    answer = answers[asked]
    if isinstance(answer, Exception):
        raise answer
    return answer


@dataclass
class SampleFiles:
    """Files in memory: `kept` has their octets by their names."""

    kept: dict[str, bytes] = field(default_factory=dict)

    async def read(self, name: str) -> bytes | None:
        """What is in a file; None if there is none."""
        split_name(name)
        return self.kept.get(name)

    async def write(self, name: str, content: bytes) -> None:
        """Put this into a file."""
        split_name(name)
        self.kept[name] = content

    async def append(self, name: str, content: bytes) -> None:
        """Add this to the end of a file."""
        await self.write(name, self.kept.get(name, b"") + content)


@dataclass
class SamplePlaces:
    """Folders in memory: `files` has octets by their paths, `mail` the messages of each
    Maildir and folder, by the key under which they were delivered."""

    key: Callable[[], str]
    files: dict[str, bytes] = field(default_factory=dict)
    mail: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)

    async def write(
        self,
        folder: str,
        levels: Sequence[str],
        name: str,
        content: bytes,
        quota: int | None = None,
    ) -> str:
        """Put this into a file, with a number where another one has its name."""
        check_place(folder, levels, name)
        self._require_room(len(content), quota)
        for number in count(1):
            numbered = number_name(name, number) if number > 1 else name
            path = "/".join([folder, *levels, numbered])
            if self.files.setdefault(path, content) == content:
                return path
        raise AssertionError("count() has no end")

    async def deliver(
        self,
        maildir: str,
        folder: str,
        content: bytes,
        received: datetime,
        quota: int | None = None,
    ) -> None:
        """Put a message there, once for each key."""
        check_place(maildir)
        self._require_room(len(content), quota)
        self.mail.setdefault((maildir, folder), {})[self.key()] = content

    def _require_room(self, octets: int, quota: int | None) -> None:
        mail = (content for there in self.mail.values() for content in there.values())
        used = sum(map(len, [*self.files.values(), *mail]))
        if quota is not None and used + octets > quota:
            raise TemporaryError(f"there is no room: the quota is {quota}")


@dataclass
class SampleMemory:
    """A memory that forgets by the clock of the services: `kept` has each text and the
    time until which it counts, by its key."""

    now: Callable[[], datetime]
    kept: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    async def get(self, key: str) -> str | None:
        """What was put under this key, if its life has not ended."""
        value, until = self.kept.get(key, ("", self.now()))
        return value if until > self.now() else None

    async def put(self, key: str, value: str, life: timedelta) -> None:
        """Remember this for so long."""
        self.kept[key] = value, self.now() + life


@dataclass
class SampleServices:
    """Services in memory: set `time`, and what they answer; look at what was asked."""

    options: Mapping[str, Any] = field(default_factory=dict)
    key: str = "key"
    content: bytes | None = None
    time: datetime = NOON
    http: SampleHttp = field(default_factory=SampleHttp)
    run: SampleRun = field(default_factory=SampleRun)
    files: SampleFiles = field(default_factory=SampleFiles)
    places: SamplePlaces = field(init=False)
    remember: SampleMemory = field(init=False)

    def __post_init__(self) -> None:
        self.places = SamplePlaces(lambda: self.key)
        self.remember = SampleMemory(self.now)

    def now(self) -> datetime:
        """The time to which the clock was set."""
        return self.time
