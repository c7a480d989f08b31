"""The commands for what a person writes: settings, rules and plugins."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from postroom.cli.program import (
    Config,
    Json,
    call,
    complete_account,
    examples,
    group,
)

commands = typer.Typer()


class SchemaKind(StrEnum):
    """The files that have a schema."""

    SETTINGS = "settings"
    RULES = "rules"


@commands.command(epilog=examples("postroom demo --once"))
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the samples.")
    ] = False,
) -> None:
    """A playground: servers, sample mail and rules, in one process."""
    call("demo", once)


@commands.command(
    epilog=examples(
        "postroom init",
        "postroom init --yes --address me@example.org --password credential:home",
    )
)
def init(
    config: Config = None,
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Your address.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your name, as others see it.")
    ] = None,
    imap: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="Where mail comes in.")
    ] = None,
    smtp: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="Where mail goes out.")
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Where the password comes from, never itself: credential:NAME, "
            "file:PATH, env:NAME, command:PROGRAM.",
        ),
    ] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(metavar="MAILBOX", help="Watched; may be given again."),
    ] = None,
    connect: Annotated[
        bool, typer.Option("--connect", help="Log in without asking whether to.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take guesses, too.")
    ] = False,
) -> None:
    """Ask a few questions; write settings and a first rule."""
    module = import_module("postroom.commands.init")
    given = (address, name, imap, smtp, password, tuple(watch or ()))
    raise typer.Exit(module.main(config, module.Answers(*given, connect, yes)))


@commands.command(epilog=examples("postroom check", "postroom check --connect"))
def check(
    config: Config = None,
    connect: Annotated[
        bool, typer.Option("--connect", help="Log in to every server, too.")
    ] = False,
    json: Json = False,
) -> None:
    """Read all that you wrote, and tell what is wrong with it."""
    call("check", config, connect, json)


@commands.command(
    epilog=examples(
        "postroom explain message.eml",
        "postroom explain --account home --mailbox Lists --flag seen *.eml",
        "postroom explain - < message.eml",
    )
)
def explain(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE.eml", help="Saved messages; - is what comes in."),
    ],
    config: Config = None,
    account: Annotated[
        str | None,
        typer.Option(
            metavar="ACCOUNT",
            help="As if it had come to this account.",
            autocompletion=complete_account,
        ),
    ] = None,
    mailbox: Annotated[
        str, typer.Option(metavar="MAILBOX", help="As if it had come there.")
    ] = "INBOX",
    flag: Annotated[
        list[str] | None,
        typer.Option(metavar="FLAG", help="As if it had this; may be given again."),
    ] = None,
    json: Json = False,
) -> None:
    """What the rules would do with a message, and why."""
    call("explain", config, files, account, mailbox, flag or [], json)


@commands.command(
    epilog=examples("postroom schema --write", "postroom schema settings")
)
def schema(
    kind: Annotated[
        SchemaKind | None, typer.Argument(help="Of which files; else of the rules.")
    ] = None,
    config: Config = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put both beside the settings.")
    ] = False,
) -> None:
    """The JSON Schema of your files, for editors."""
    call("schema", kind and str(kind), config, write)


plugins = group(
    "plugins",
    "What is installed: every condition and action, with options.",
    "postroom plugins",
    "postroom plugins new weekend",
    invoke_without_command=True,
)


@plugins.callback()
def list_plugins(context: typer.Context, config: Config = None) -> None:
    """What is installed: every condition and action, with options."""
    if context.invoked_subcommand is None:
        call("plugins", config)


@plugins.command("new", epilog=examples("postroom plugins new weekend"))
def new_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where it is written.")
    ] = Path(),
) -> None:
    """Write a plugin that works, with its test, to begin from."""
    call("newplugin", name, folder)


commands.add_typer(plugins)
