"""The types of value that the settings have, each read in one way only."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from postroom.mail.addresses import is_address
from postroom.mail.names import canonical
from postroom.rules.options import Duration, MailboxName, read_duration
from postroom.rules.paths import check_braceless, check_outside_system
from postroom.rules.schedule import Schedule, check_cron

_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}\Z")
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}\Z")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_OCTAL = re.compile(r"0?[0-7]{3}\Z")
_OWNERS_RIGHTS = 0o700


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


class CronTable(BaseModel):
    """`poll = { cron = "*/10 8-18 * * mon-fri" }`: the times at which is looked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cron: Annotated[str, AfterValidator(check_cron)]


def _read_poll(value: object) -> object:
    if isinstance(value, dict):
        return Schedule(cron=CronTable.model_validate(value).cron)
    return value if isinstance(value, Schedule) else read_duration(value)


def _read_keep(value: object) -> object:
    if isinstance(value, bool | timedelta):
        return value
    try:
        return read_duration(value)
    except ValueError as error:
        expected = 'expected true, false or a time such as "14d"'
        raise ValueError(expected) from error


def _check_kept(value: timedelta) -> timedelta:
    if value < timedelta(days=1):
        raise ValueError('expected a day or more, such as "14d" or "1y"')
    return value


def _read_maildir(value: object) -> object:
    if value is None or value is False:
        return value
    path = str(value) if isinstance(value, str | Path) else ""
    if not path.startswith("/"):
        raise ValueError(
            "expected false, or a path from the root such as /srv/mail/isp"
        )
    if check_outside_system(check_braceless(path)) < 2:
        raise ValueError("expected a folder of its own, such as /srv/mail/isp")
    return Path(path)


def _read_umask(value: object) -> object:
    if not isinstance(value, str) or not _OCTAL.match(value):
        raise ValueError('expected octal digits in quotes, such as "077" or "027"')
    umask = int(value, 8)
    if umask & _OWNERS_RIGHTS:
        raise ValueError(
            "the first digit would take away the owner's own rights: expected 0, "
            'as in "077"'
        )
    return umask


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
Poll = Annotated[
    timedelta | Schedule,
    BeforeValidator(_read_poll, json_schema_input_type=Duration | CronTable),
]
Keep = Annotated[
    bool | timedelta,
    BeforeValidator(_read_keep, json_schema_input_type=bool | Duration),
]
# For how long something is kept that is done with.
KeptFor = Annotated[Duration, AfterValidator(_check_kept)]
MaildirPath = Annotated[
    Path | Literal[False] | None,
    BeforeValidator(_read_maildir, json_schema_input_type=str | Literal[False]),
]
# What may not be allowed in the mode of a new file, as `umask` in a shell.
Umask = Annotated[
    int,
    BeforeValidator(
        _read_umask,
        json_schema_input_type=Annotated[str, Field(pattern=r"^0?0[0-7]{2}$")],
    ),
    Field(json_schema_extra={"default": "077"}),
]


def is_loopback(host: str) -> bool:
    """True if the host can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
