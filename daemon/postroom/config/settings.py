"""`postroom.toml`: its tables as frozen models, and where it is found."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from postroom.config.fingerprints import Fingerprints
from postroom.errors import ConfigError, Problem
from postroom.mail.addresses import is_address
from postroom.mail.names import canonical
from postroom.rules.options import Duration, MailboxName, Octets

Tls = Literal["implicit", "starttls", "none"]

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}\Z")
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}\Z")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def _check_address(value: str) -> str:
    if not is_address(value):
        raise ValueError('expected an address such as "me@example.org"')
    return value


def _check_host(value: str) -> str:
    if not (_HOST.match(value) and (_is_ip(value) or _is_name(value))):
        raise ValueError('expected a host name such as "imap.example.org"')
    return value


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_name(value: str) -> bool:
    """True if every label has 1 to 63 characters (RFC 1035, section 2.3.4)."""
    return all(_LABEL.match(label) for label in value.split("."))


def _check_line(value: str) -> str:
    if _CONTROLS.search(value):
        raise ValueError("control characters can't be used here")
    return value


def _check_repeated(values: tuple[str, ...]) -> tuple[str, ...]:
    repeated = [value for value in values if values.count(value) > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is named more than once")
    return values


def _check_absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("expected a path from the root, such as /var/lib/postroom")
    return value


MailAddress = Annotated[str, AfterValidator(_check_address)]
Host = Annotated[str, AfterValidator(_check_host)]
Line = Annotated[str, AfterValidator(_check_line)]
AbsolutePath = Annotated[Path, AfterValidator(_check_absolute)]
Port = Annotated[int, Field(ge=1, le=65535)]
WatchedName = Annotated[MailboxName, AfterValidator(canonical)]


Watch = Annotated[
    tuple[WatchedName, ...], Field(min_length=1), AfterValidator(_check_repeated)
]


Aliases = Annotated[tuple[MailAddress, ...], AfterValidator(_check_repeated)]


class Table(BaseModel):
    """What every table of the settings is: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(Table):
    """A server, reached over TLS: `implicit`, `starttls`, or on loopback `none`.

    `ca` is trusted instead of the system's authorities; the server's certificate must
    have one of the fingerprints of `pin`, too; `certificate` and `key` are ours.
    """

    host: Host
    port: Port | None = None
    tls: Tls = "implicit"
    ca: AbsolutePath | None = None
    pin: Fingerprints = frozenset()
    certificate: AbsolutePath | None = None
    key: AbsolutePath | None = None
    user: Line | None = None
    password: Line | None = None

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError('tls = "none" is only for servers on this machine')
        if self.tls == "none" and (self.pin or self.certificate):
            raise ValueError('without TLS (tls = "none") there are no certificates')
        if self.key and not self.certificate:
            raise ValueError("key is for a certificate, and there is none")
        return self


class ImapServer(Server):
    """`imap = { host = … }`: port 993 over TLS, 143 with STARTTLS."""

    @property
    def reached_port(self) -> int:
        """The port that is connected to."""
        return self.port or (993 if self.tls == "implicit" else 143)


class SmtpServer(Server):
    """`smtp = { host = … }`: port 465 over TLS, 587 otherwise; `auth = false` for a
    relay that wants no login."""

    auth: StrictBool = True

    @property
    def reached_port(self) -> int:
        """The port that is connected to."""
        return self.port or (465 if self.tls == "implicit" else 587)


class SharedSmtp(Table):
    """`smtp = { account = … }`: the submission server of another account."""

    account: str


def _choose_smtp(value: object) -> object:
    """Read `smtp` as the one or the other, to complain about one of them only."""
    if value is None or isinstance(value, Server | SharedSmtp):
        return value
    if not isinstance(value, dict):
        raise ValueError('expected a table such as { host = "smtp.example.org" }')
    kind = SharedSmtp if "account" in value else SmtpServer
    return kind.model_validate(value)


Smtp = Annotated[SmtpServer | SharedSmtp | None, BeforeValidator(_choose_smtp)]


class AccountTable(Table):
    """`[account.NAME]`: one account, its servers, and what is watched."""

    address: MailAddress
    aliases: Aliases = ()
    name: Line = ""
    imap: ImapServer
    smtp: Smtp = None
    password: Line | None = None
    watch: Watch = ("INBOX",)
    existing: Literal["leave", "process"] = "leave"
    poll: Duration = timedelta(minutes=5)


class PostroomTable(Table):
    """`[postroom]`: the daemon's own options; `hold` keeps all that would go out."""

    state: AbsolutePath
    max_size: Octets = 50 * 1024**2
    hold: StrictBool = False


class Settings(Table):
    """The whole of `postroom.toml`."""

    postroom: PostroomTable
    account: Mapping[str, AccountTable] = Field(min_length=1)
    plugin: Mapping[str, Mapping[str, Any]] = {}

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        taken: dict[str, str] = {}
        for name in self.account:
            if not _ACCOUNT_NAME.match(name):
                raise ValueError(
                    f"account {name!r}: expected letters, digits, . _ or -"
                )
            first = taken.setdefault(name.lower(), name)
            if first != name:
                raise ValueError(f"accounts {first!r} and {name!r} differ in case only")
        return self


def is_loopback(host: str) -> bool:
    """True if the host can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_settings(
    given: Path | None, environment: Mapping[str, str] = os.environ
) -> Path:
    """The settings file: the one given, or the first of the usual places that is there.

    Raises `ConfigError` where none is.
    """
    if given or environment.get("POSTROOM_CONFIG"):
        return given or Path(environment["POSTROOM_CONFIG"])
    home = environment.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    places = [
        Path("/etc/postroom/postroom.toml"),
        Path(home) / "postroom/postroom.toml",
    ]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        looked = " and ".join(map(str, places))
        message = (
            f"there are none: looked for {looked}; --config names another place, and "
            "`postroom init` writes them"
        )
        raise ConfigError([Problem("settings", message)])
    return found
