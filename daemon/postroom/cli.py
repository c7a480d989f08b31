"""The command line: `postroom COMMAND`. A command is loaded when it is called."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from postroom import __version__

app = typer.Typer(
    name="postroom",
    help="Sort, file, answer and pass on the mail of IMAP accounts, by rules.",
    epilog="Begin with: postroom demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The settings; else $POSTROOM_CONFIG, /etc/postroom/postroom.toml, "
        "~/.config/postroom/postroom.toml.",
    ),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"postroom {__version__}")
        raise typer.Exit


@app.callback()
def postroom(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Sort, file, answer and pass on the mail of IMAP accounts, by rules."""


@app.command(epilog="Example: postroom demo --once")
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the samples.")
    ] = False,
) -> None:
    """A playground: servers, sample mail and rules, in one process."""
    _call("demo", once)


@app.command(epilog="Example: postroom check --connect")
def check(
    config: Config = None,
    connect: Annotated[
        bool, typer.Option("--connect", help="Log in to every server, too.")
    ] = False,
) -> None:
    """Read all that you wrote, and tell what is wrong with it."""
    _call("check", config, connect)


@app.command(epilog="Example: postroom run --once")
def run(
    config: Config = None,
    once: Annotated[
        bool,
        typer.Option("--once", help="Handle what is there, send what is due, and end."),
    ] = False,
) -> None:
    """The daemon: watch every account until SIGTERM or Ctrl-C."""
    _call("run", config, once)


@app.command(epilog="Example: postroom explain --account home message.eml")
def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE.eml", help="A saved message.")],
    config: Config = None,
    account: Annotated[
        str | None, typer.Option(help="As if it had come to this account.")
    ] = None,
    mailbox: Annotated[str, typer.Option(help="As if it had come there.")] = "INBOX",
) -> None:
    """What the rules would do with a message, and why; nothing is done."""
    _call("explain", config, file, account, mailbox)


@app.command(epilog="Example: postroom status --json")
def status(
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """How every account is doing, and what waits to be sent."""
    _call("status", config, json)


@app.command(epilog="Example: postroom plugins")
def plugins() -> None:
    """What is installed: every condition and action, with options."""
    _call("plugins")


def _call(command: str, *arguments: object) -> None:
    """Load the command's module and call it; its number is the exit code."""
    module = import_module(f"postroom.commands.{command}")
    raise typer.Exit(module.main(*arguments))


def main() -> None:
    """The entry point of the program."""
    app()
