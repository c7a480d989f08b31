"""The tables of servers: where each is, and what is known of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, model_validator

from postroom.config.fields import AbsolutePath, Host, Line, Port, is_loopback
from postroom.config.fingerprints import Fingerprints

Tls = Literal["implicit", "starttls", "none"]


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


class PopServer(Server):
    """`pop3 = { host = … }`: port 995 over TLS, 110 with STARTTLS. `auth = "apop"` is
    for servers that know no better login."""

    auth: Literal["password", "apop"] = "password"

    @property
    def reached_port(self) -> int:
        """The port that is connected to."""
        return self.port or (995 if self.tls == "implicit" else 110)


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
