"""The command line: `postroom COMMAND`. A command is loaded when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from postroom import __version__
from postroom.cli import desk, installing, keeping, running, writing
from postroom.cli.program import group

app = group(
    "postroom",
    "Sort, file, save, answer and pass on IMAP and POP3 mail, by rules.",
    "postroom demo",
    "postroom init",
    "postroom check --connect",
    no_args_is_help=True,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"postroom {__version__}")
        raise typer.Exit


@app.callback()
def postroom(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Sort, file, save, answer and pass on IMAP and POP3 mail, by rules."""


# Without a name of their own, these commands are those of the program.
for part in (writing, installing, running, desk, keeping):
    app.add_typer(part.commands)


def main() -> None:
    """The entry point of the program."""
    app()
