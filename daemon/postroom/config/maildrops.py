"""What does not fit POP3 accounts: their servers, their Maildirs, the rules they meet.

A folder of a Maildir is not a mailbox of a server: what it can't do is told before
anything is run, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from postroom.config.settings import AccountTable, Settings
from postroom.errors import Problem
from postroom.rules.destinations import Destination
from postroom.rules.destinations import Path as Subpath
from postroom.rules.rule import NamedAction, Rule

_GMAIL = ("pop.gmail.com", "pop.googlemail.com")
_RECENT = "recent:"


# -- Maildirs --------------------------------------------------------------------------


def find_wrong_maildirs(settings: Settings, file: str) -> Iterator[Problem]:
    """Maildirs that lie in one another, or among what postroom itself remembers."""
    seen: list[tuple[str, Path]] = []
    for name in settings.account:
        path = settings.maildir_of(name)
        if path is None:
            continue
        complaints = [_complain_of_state(path, settings)]
        complaints += [_complain_of_other(path, *each) for each in seen]
        for complaint in filter(None, complaints):
            yield Problem(file, complaint, key=f"account.{name}.maildir")
        seen.append((name, path))


def _complain_of_state(path: Path, settings: Settings) -> str:
    state = settings.postroom.state
    if _is_below(path, settings.maildirs) or not _overlap(path, state):
        return ""
    return (
        f"what postroom remembers is in {state}: expected a folder apart from that, or "
        f"below {settings.maildirs}"
    )


def _complain_of_other(path: Path, other: str, taken: Path) -> str:
    if not _overlap(path, taken):
        return ""
    if path.resolve() == taken.resolve():
        return f"account {other!r} has the same Maildir"
    return f"it and the Maildir of account {other!r} lie in one another: {taken}"


def _overlap(one: Path, other: Path) -> bool:
    one, other = one.resolve(), other.resolve()
    return one.is_relative_to(other) or other.is_relative_to(one)


def _is_below(path: Path, folder: Path) -> bool:
    return folder.resolve() in path.resolve().parents


# -- rules -----------------------------------------------------------------------------


def find_unfit_actions(settings: Settings, rules: Iterable[Rule]) -> Iterator[Problem]:
    """Actions that can't be done on the POP3 accounts that their rule is for."""
    accounts = [(n, table) for n, table in settings.account.items() if table.pop3]
    for rule in rules:
        for name, table in accounts:
            if rule.enabled and (not rule.accounts or name in rule.accounts):
                for named in rule.then:
                    if why := _why_unfit(named, table):
                        message = f"{named.name}: account {name!r} {why}"
                        yield Problem(rule.file, message, rule.name, "then")


def _why_unfit(named: NamedAction, table: AccountTable) -> str:
    """Why the account can't have the action done; empty if it can."""
    if named.action.on_mailbox and table.maildir is False:
        return (
            "stores nothing here (maildir = false), and a POP3 server can neither file "
            "nor mark: give it a maildir, or have the rule name other accounts"
        )
    if named.action.labels:
        return (
            "is a POP3 account, and its Maildir has no labels: copy puts it into a "
            "folder as well; or have the rule name other accounts"
        )
    dotted = next((each for each in _targets(named) if "." in each.outline), None)
    if dotted is not None:
        return (
            "is a POP3 account, and in its Maildir a dot begins another level: no "
            f"folder can be called {dotted.root!r}; put another sign in its place"
        )
    return ""


def _targets(named: NamedAction) -> Iterator[Destination | Subpath]:
    for value in vars(named.action).values():
        if isinstance(value, Destination | Subpath):
            yield value


# -- advice ----------------------------------------------------------------------------


def advise_on_accounts(settings: Settings, file: str) -> Iterator[Problem]:
    """A warning for what POP3 accounts can have, and is most likely not meant."""
    for name, table in settings.account.items():
        path = settings.maildir_of(name)
        if path and not _is_below(path, settings.postroom.state):
            yield Problem(file, _tell_unit(path), key=f"account.{name}.maildir")
        if hides_retrieved(table):
            yield Problem(file, _tell_gmail(table), key=f"account.{name}.pop3")


def _tell_unit(path: Path) -> str:
    return (
        "it is outside of the state folder, where a unit with DynamicUser= may not "
        "write. The unit needs two lines (systemctl edit postroom): User=NAME, a user "
        f"that stays, and ReadWritePaths={path}, which has to be there"
    )


def _tell_gmail(table: AccountTable) -> str:
    user = f"{_RECENT}{table.server.user or table.address}"
    return (
        "Gmail hides what was retrieved by POP3, from every program: take imap, or "
        f'user = "{user}", to whom it shows all of the last 30 days'
    )


def hides_retrieved(table: AccountTable) -> bool:
    """True if the server is known to show no message again that was retrieved."""
    user = table.server.user or table.address
    is_gmail = table.server.host.lower() in _GMAIL
    return is_gmail and not user.lower().startswith(_RECENT)
