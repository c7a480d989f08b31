"""The commands for the store as something owned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from postroom.cli.program import Config, Json, call, examples, group

commands = typer.Typer()
store = group(
    "store",
    "What postroom remembers: copy it, check it, have it forget.",
    "postroom store backup /backup/postroom.db --replace",
    "postroom store check",
    no_args_is_help=True,
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count it.")]


@store.command(
    "backup",
    epilog=examples(
        "postroom store backup /backup/postroom.db",
        "postroom store backup /backup/postroom.db --replace",
    ),
)
def back_up(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy.")],
    config: Config = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Over a file that is there.")
    ] = False,
    json: Json = False,
) -> None:
    """Copy the store, whether the daemon runs or not."""
    call("store.backup", config, file, replace, json)


@store.command("check", epilog=examples("postroom store check --json"))
def check(config: Config = None, json: Json = False) -> None:
    """Read all of the store, and tell all that is wrong with it."""
    call("store.check", config, json)


@store.command("prune", epilog=examples("postroom store prune --dry-run"))
def prune(config: Config = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Forget now what is old, as the daemon does daily."""
    call("store.prune", config, dry_run, json)


@store.command("erase", epilog=examples("postroom store erase ann@example.org"))
def erase(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose traces.")],
    config: Config = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Erase what is kept about one address; asks first."""
    call("store.erase", config, address, dry_run, yes, json)


commands.add_typer(store)
