"""The command that brings postroom to its place on a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from postroom.cli.program import call, examples

commands = typer.Typer()

_SHELLS = ("bash", "zsh", "fish")


@commands.command(
    epilog=examples(
        "postroom install --dry-run",
        "postroom install",
        "postroom install --user",
        "postroom install --uninstall",
    )
)
def install(
    context: typer.Context,
    user: Annotated[
        bool, typer.Option("--user", help="For you alone, in your home.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    uninstall: Annotated[
        bool,
        typer.Option("--uninstall", help="Take it away; settings and state stay."),
    ] = False,
    prefix: Annotated[
        Path | None,
        typer.Option(
            "--prefix", metavar="FOLDER", help="Else /usr/local, or ~/.local."
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root", metavar="FOLDER", help="Before each path: to build a package."
        ),
    ] = None,
) -> None:
    """Put systemd units and a manual page in their places."""
    pages = _write_pages(context.find_root().command)
    call("install", user, prefix, root, dry_run, uninstall, pages)


def _write_pages(program: object) -> dict[str, str]:
    # Loaded here: no other command needs them.
    from typer._completion_shared import get_completion_script

    from postroom.cli.manpage import write_page

    names = {"prog_name": "postroom", "complete_var": "_POSTROOM_COMPLETE"}
    pages = {shell: get_completion_script(**names, shell=shell) for shell in _SHELLS}
    return {"man": write_page(program), **{k: f"{v}\n" for k, v in pages.items()}}
