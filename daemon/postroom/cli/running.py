"""The commands for the daemon while it runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from postroom.cli.program import (
    Config,
    Json,
    call,
    complete_account,
    complete_name,
    complete_rule,
    examples,
)

commands = typer.Typer()

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="An account or a rule.",
        autocompletion=complete_name,
    ),
]


class LogFormat(StrEnum):
    """How events are written; `auto` is colour on a terminal, else JSON."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@commands.command(epilog=examples("postroom run", "postroom run --once"))
def run(
    config: Config = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Handle what is there, send what is due, and end."),
    ] = False,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="How events are written.")
    ] = LogFormat.AUTO,
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="The least that is logged.")
    ] = LogLevel.INFO,
) -> None:
    """The daemon: watch every account until SIGTERM or Ctrl-C."""
    call("run", config, once, str(log_format), str(log_level))


@commands.command(
    epilog=examples(
        "postroom status", "postroom status --watch", "postroom status --monitor"
    )
)
def status(
    config: Config = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Again and again, until Ctrl-C.")
    ] = False,
    json: Json = False,
    monitor: Annotated[
        bool,
        typer.Option("--monitor", help="One line and exit code, as Nagios wants them."),
    ] = False,
) -> None:
    """How every account is doing, and what waits or needs you."""
    if watch + json + monitor > 1:
        raise typer.BadParameter("--watch, --json and --monitor exclude each other")
    kind = "watch" if watch else "json" if json else "monitor" if monitor else "once"
    call("status", config, kind)


@commands.command(epilog=examples("postroom poll home work", "postroom poll --all"))
def poll(
    accounts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ACCOUNT",
            help="Which accounts.",
            autocompletion=complete_account,
        ),
    ] = None,
    config: Config = None,
    all_: Annotated[bool, typer.Option("--all", help="Every account.")] = False,
) -> None:
    """Look at accounts now, not at their next poll."""
    if bool(accounts) == all_:
        raise typer.BadParameter("name accounts, or say --all")
    call("poll", config, accounts or [])


@commands.command(
    epilog=examples("postroom pause home", 'postroom pause "Out of office"')
)
def pause(
    name: Name,
    config: Config = None,
) -> None:
    """Stop watching an account, or asking a rule.

    What comes to the rule waits where it is; other mail goes on.
    """
    call("pause", config, name)


@commands.command(epilog=examples("postroom resume home"))
def resume(
    name: Name,
    config: Config = None,
) -> None:
    """Go on with an account or a rule.

    A password that was refused is tried again, too.
    """
    call("release", config, name, None)


@commands.command(epilog=examples('postroom release "Invoices go to the accountant"'))
def release(
    rule: Annotated[
        str,
        typer.Argument(
            metavar="RULE", help="A rule that is held.", autocompletion=complete_rule
        ),
    ],
    config: Config = None,
) -> None:
    """Ask a held rule again, and decide what waited for it."""
    call("release", config, rule, "rule")


@commands.command(epilog=examples("postroom reload"))
def reload(config: Config = None) -> None:
    """Have the daemon read settings and rules again.

    If anything is wrong with them, it goes on with those it has.
    """
    call("reload", config)
