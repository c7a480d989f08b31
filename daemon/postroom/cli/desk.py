"""The commands for what waits: deliveries, and messages in quarantine."""

from __future__ import annotations

from typing import Annotated

import typer

from postroom.cli.program import Config, Json, call, examples, group

commands = typer.Typer()
outbox = group(
    "outbox",
    "What is to be sent, and what could not be.",
    "postroom outbox list",
    "postroom outbox retry --failed",
    no_args_is_help=True,
)
quarantine = group(
    "quarantine",
    "Messages that were put aside: they lie where they were.",
    "postroom quarantine list",
    "postroom quarantine release 7",
    no_args_is_help=True,
)

Delivery = Annotated[
    int, typer.Argument(metavar="ID", help="As `outbox list` tells it.")
]
Deliveries = Annotated[
    list[int] | None, typer.Argument(metavar="ID", help="As `outbox list` tells them.")
]
Message = Annotated[
    int, typer.Argument(metavar="ID", help="As `quarantine list` tells it.")
]
Messages = Annotated[
    list[int], typer.Argument(metavar="ID", help="As `quarantine list` tells them.")
]
Failed = Annotated[
    bool, typer.Option("--failed", help="All that failed or bounced, too.")
]
Held = Annotated[bool, typer.Option("--held", help="All that are held, too.")]
Waiting = Annotated[bool, typer.Option("--waiting", help="All that wait, too.")]

_FAILED = ("failed", "bounced")
_HELD = ("held",)
_WAITING = ("queued", "delayed")


@outbox.command("list", epilog=examples("postroom outbox list --all"))
def list_outbox(
    config: Config = None,
    all_: Annotated[
        bool, typer.Option("--all", help="What was delivered or dropped, too.")
    ] = False,
    json: Json = False,
) -> None:
    """The deliveries that wait, failed, or are held."""
    call("outbox.listing", config, all_, json)


@outbox.command("show", epilog=examples("postroom outbox show 7"))
def show_delivery(id_: Delivery, config: Config = None, json: Json = False) -> None:
    """A delivery: each attempt, with the server's words."""
    call("outbox.showing", config, id_, json)


@outbox.command(
    "retry",
    epilog=examples("postroom outbox retry 7 8", "postroom outbox retry --held"),
)
def retry(
    ids: Deliveries = None,
    config: Config = None,
    failed: Failed = False,
    held: Held = False,
) -> None:
    """Try deliveries now that are held, failed, or not due yet."""
    states = _states(ids, _FAILED * failed + _HELD * held, "--failed or --held")
    call("outbox.changing", config, "retry", ids or [], states, True)


@outbox.command(
    "hold", epilog=examples("postroom outbox hold 7", "postroom outbox hold --waiting")
)
def hold(
    ids: Deliveries = None, config: Config = None, waiting: Waiting = False
) -> None:
    """Have deliveries wait until you say `retry` or `drop`."""
    states = _states(ids, _WAITING * waiting, "--waiting")
    call("outbox.changing", config, "hold", ids or [], states, True)


@outbox.command(
    "drop",
    epilog=examples("postroom outbox drop 7", "postroom outbox drop --failed --yes"),
)
def drop(
    ids: Deliveries = None,
    config: Config = None,
    failed: Failed = False,
    held: Held = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Send deliveries never; asks first. What is being sent can't be dropped."""
    states = _states(ids, _FAILED * failed + _HELD * held, "--failed or --held")
    call("outbox.changing", config, "drop", ids or [], states, yes)


@quarantine.command("list", epilog=examples("postroom quarantine list"))
def list_quarantine(config: Config = None, json: Json = False) -> None:
    """The messages that were put aside: at which stage, and why."""
    call("quarantine.listing", config, json)


@quarantine.command("show", epilog=examples("postroom quarantine show 7"))
def show_message(id_: Message, config: Config = None, json: Json = False) -> None:
    """All that is known of a quarantined message."""
    call("quarantine.showing", config, id_, json)


@quarantine.command("release", epilog=examples("postroom quarantine release 7 8"))
def release_messages(ids: Messages, config: Config = None, json: Json = False) -> None:
    """Have messages go on where they were left, when what was wrong is mended."""
    call("quarantine.releasing", config, ids, json)


def _states(
    ids: list[int] | None, states: tuple[str, ...], options: str
) -> tuple[str, ...]:
    if not ids and not states:
        raise typer.BadParameter(f"give numbers, or {options}")
    return states


commands.add_typer(outbox)
commands.add_typer(quarantine)
