"""What every command of the command line shares: the program, options, examples."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from shlex import quote
from types import ModuleType
from typing import Annotated, Any, NoReturn

import typer

SETTINGS = {"help_option_names": ["-h", "--help"]}


def examples(*lines: str) -> str:
    """The end of a command's help: how it is called."""
    if len(lines) == 1:
        return f"Example: {lines[0]}"
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def group(name: str, words: str, *lines: str, **more: Any) -> typer.Typer:  # noqa: ANN401 - whatever Typer takes
    """Commands below the program, or below one of them; `lines` are examples."""
    return typer.Typer(
        name=name,
        help=words,
        epilog=examples(*lines),
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
        **more,
    )


def call(module: str, *arguments: object) -> NoReturn:
    """Load the command's module and call it; its number is the exit code."""
    main = _load(f"postroom.commands.{module}").main
    raise typer.Exit(main(*arguments))


def _load(module: str) -> ModuleType:
    """The module, with all that it needs, which stays until the end: to look through
    that for what could be let go took longer than a tenth of loading it."""
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def complete_account(incomplete: str) -> list[str]:
    """The accounts of the settings that begin so, for the shell."""
    accounts = import_module("postroom.commands.naming").account_names()
    return list(_fitting(accounts, incomplete))


def complete_rule(incomplete: str) -> list[str]:
    """The rules that begin so, for the shell."""
    rules = import_module("postroom.commands.naming").rule_names()
    return list(_fitting(rules, incomplete))


def complete_name(incomplete: str) -> list[str]:
    """The accounts and rules that begin so, for the shell."""
    return [*complete_account(incomplete), *complete_rule(incomplete)]


def _fitting(names: Any, incomplete: str) -> Iterator[str]:  # noqa: ANN401 - it is loaded late
    # A shell takes what it is given for words: a name of several can't be completed.
    for name in names:
        if name.startswith(incomplete) and quote(name) == name:
            yield name


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
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
