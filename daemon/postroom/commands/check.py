"""`postroom check`: everything the user wrote, every problem at once."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from postroom.commands.outcome import Exit, make_console, telling_errors
from postroom.config.configuration import Configuration, load_configuration
from postroom.config.settings import find_settings
from postroom.errors import PostroomError
from postroom.log import printable
from postroom.ports import AccountReport, Relay
from postroom.service.connections import make_account, make_relays, references
from postroom.service.vault import Vault
from postroom.transport.imap.specialuse import folded, use_of

_CAPABILITIES = ("IDLE", "MOVE", "UIDPLUS", "SPECIAL-USE", "CONDSTORE")
_EXTENSIONS = ("8BITMIME", "SIZE", "SMTPUTF8", "PIPELINING")


def main(config: Path | None, connect: bool) -> int:
    """Check the files, and with `connect` the servers; 78 if the files are wrong."""
    console = make_console()
    with telling_errors():
        path = find_settings(config)
        configuration = load_configuration(path)
        for warning in configuration.warnings:
            console.print(printable(f"warning: {warning}"), markup=False)
        accounts, rules = len(configuration.settings.account), len(configuration.rules)
        told = f"{path}: {accounts} account(s), {rules} rule(s), no problems."
        console.print(told, markup=False)
        return asyncio.run(_connect(configuration, console)) if connect else Exit.DONE


async def _connect(configuration: Configuration, console: Console) -> int:
    vault = Vault(configuration.secrets)
    await vault.open(set(references(configuration)))
    asked = [
        *(
            _ask_account(configuration, name, vault)
            for name in configuration.settings.account
        ),
        *(
            _ask_relay(name, relay)
            for name, relay in make_relays(configuration, vault).items()
        ),
    ]
    failed = False
    for told, works in await asyncio.gather(*asked):
        failed = failed or not works
        console.print(printable(told), markup=False, style=None if works else "red")
    return Exit.FAILED if failed else Exit.DONE


async def _ask_account(
    configuration: Configuration, name: str, vault: Vault
) -> tuple[str, bool]:
    try:
        account = make_account(configuration, name, vault)
        report = await account.probe()
    except PostroomError as error:
        return f"account {name}: imap: {error}", False
    can = [word for word in _CAPABILITIES if word in report.capabilities]
    lines = [
        f"account {name}: imap: logged in; it has {', '.join(can) or 'no extensions'}"
    ]
    lines += _tell_absent(configuration.settings.account[name].watch, name, report)
    return "\n".join(lines), True


def _tell_absent(
    watched: Iterable[str], name: str, report: AccountReport
) -> Iterator[str]:
    """The mailboxes that are to be watched and are not there."""
    for mailbox in watched:
        if mailbox not in report.mailboxes:
            told = f"account {name}: watch: there is no mailbox {mailbox} yet"
            nearest = _nearest(mailbox, report.mailboxes)
            yield f"{told}; the server has {nearest}" if nearest else told


def _nearest(mailbox: str, there: Iterable[str]) -> str | None:
    """The mailbox that may have been meant: one of the same use, or of a like name."""
    use = use_of(mailbox)
    if use is not None:
        for each in sorted(there, key=len):
            if use_of(each.rpartition("/")[2]) is use:
                return each
    names = {folded(each): each for each in there}
    found = difflib.get_close_matches(folded(mailbox), names, n=1)
    return names[found[0]] if found else None


async def _ask_relay(name: str, relay: Relay) -> tuple[str, bool]:
    try:
        extensions = await relay.probe()
    except PostroomError as error:
        return f"account {name}: smtp: {error}", False
    can = [word for word in _EXTENSIONS if word in extensions]
    return (
        f"account {name}: smtp: connected; it has {', '.join(can) or 'no extensions'}",
        True,
    )
