"""`postroom.toml`: its tables as frozen models, and where it is found."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    ValidationInfo,
    field_validator,
    model_validator,
)

from postroom.config.fields import (
    AbsolutePath,
    Aliases,
    Keep,
    KeptFor,
    Line,
    MailAddress,
    MaildirPath,
    Poll,
    Umask,
    Watch,
    is_loopback,
)
from postroom.config.servers import ImapServer as ImapServer
from postroom.config.servers import PopServer as PopServer
from postroom.config.servers import Server as Server
from postroom.config.servers import SharedSmtp as SharedSmtp
from postroom.config.servers import Smtp, Table
from postroom.config.servers import SmtpServer as SmtpServer
from postroom.errors import ConfigError, Problem
from postroom.ports import as_maildrop
from postroom.rules.options import Octets

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_MAILDIRS = "maildir"
_ONE_KIND: list[Any] = [{"required": ["imap"]}, {"required": ["pop3"]}]


class AccountTable(Table):
    """`[account.NAME]`: one account, its servers, and what is watched.

    Its mail comes from an `imap` server, where it stays, or from a `pop3` server into
    the `maildir` here; `keep` says whether it stays on that server as well.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_KIND})

    address: MailAddress
    aliases: Aliases = ()
    name: Line = ""
    imap: ImapServer | None = None
    # The fields below are checked by those above: pydantic reads them in this order.
    pop3: PopServer | None = Field(None, validate_default=True)
    smtp: Smtp = None
    password: Line | None = None
    watch: Watch = ("INBOX",)
    existing: Literal["leave", "process"] | None = None
    poll: Poll = timedelta(minutes=5)
    keep: Keep = False
    maildir: MaildirPath = None

    @property
    def server(self) -> ImapServer | PopServer:
        """Where its mail comes from."""
        server = self.imap or self.pop3
        assert server is not None  # `_check_kind` has seen to it
        return server

    @property
    def kind(self) -> Literal["imap", "pop3"]:
        """By which protocol its mail comes, and the key of its server."""
        return "pop3" if self.pop3 else "imap"

    @property
    def adopts(self) -> bool:
        """True if mail that was there before postroom is left as it is."""
        return self.existing == "leave" or (not self.existing and self.pop3 is None)

    @property
    def login(self) -> str:
        """Whose mail it is, whatever the account is called: `user@host`."""
        host = self.server.host.lower()
        # On this machine a port is a server of its own, such as a bridge to a provider.
        place = f"{host}:{self.server.reached_port}" if is_loopback(host) else host
        login = f"{self.server.user or self.address}@{place}"
        return as_maildrop(login) if self.pop3 else login

    @field_validator("pop3")
    @classmethod
    def _check_kind(
        cls, value: PopServer | None, info: ValidationInfo
    ) -> PopServer | None:
        imap = info.data.get("imap", value is None)  # absent: it was wrong itself
        if not imap and not value:
            raise ValueError("it is required, or imap: where does the mail come from?")
        if value and info.data.get("imap"):
            raise ValueError("an account has imap or pop3: make two accounts of it")
        return value

    @field_validator("watch")
    @classmethod
    def _check_watch(
        cls, value: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        if info.data.get("pop3"):
            raise ValueError("a POP3 account has one mailbox, INBOX: leave it out")
        return value

    @field_validator("keep")
    @classmethod
    def _check_keep(
        cls, value: bool | timedelta, info: ValidationInfo
    ) -> bool | timedelta:
        if info.data.get("imap"):
            raise ValueError("it is for POP3 accounts: on an IMAP server mail stays")
        return value

    @field_validator("maildir")
    @classmethod
    def _check_maildir(
        cls, value: Path | Literal[False] | None, info: ValidationInfo
    ) -> Path | Literal[False] | None:
        if info.data.get("imap"):
            raise ValueError("it is for POP3 accounts: on an IMAP server mail stays")
        if value is False and info.data.get("keep", True) is not True:
            raise ValueError(
                "false stores nothing here, so that all has to stay on the server: "
                "it goes with keep = true only"
            )
        return value


class PostroomTable(Table):
    """`[postroom]`: the daemon's own options; `hold` keeps all that would go out, and
    `keep_content` and `keep_ledger` say for how long is kept what was done.

    With less than `free_space` on a disk, no mail is fetched to it. `failpoints` lets a
    test end the program at a named point.
    """

    state: AbsolutePath
    max_size: Octets = 50 * 1024**2
    free_space: Octets = 256 * 1024**2
    hold: StrictBool = False
    umask: Umask = 0o077
    failpoints: StrictBool = False
    keep_content: KeptFor = timedelta(days=14)
    keep_ledger: KeptFor = timedelta(days=400)

    @field_validator("keep_ledger")
    @classmethod
    def _check_ledger(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value < info.data.get("keep_content", value):
            raise ValueError("expected a time no shorter than keep_content")
        return value


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

    @property
    def maildirs(self) -> Path:
        """The folder of the Maildirs for which the settings name no other place."""
        return self.postroom.state / _MAILDIRS

    def maildir_of(self, name: str) -> Path | None:
        """Where the mail of the account is stored here; None where it is not."""
        account = self.account[name]
        if account.pop3 is None or account.maildir is False:
            return None
        return account.maildir or self.maildirs / name


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
