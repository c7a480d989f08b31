"""What does not fit POP3 accounts: their servers, their Maildirs, the rules they meet.

A folder of a Maildir is not a mailbox of a server: what it can't do is told before
anything is run, with the reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from postroom.config.ownplaces import OwnPlaces, find_saved_places
from postroom.config.settings import AccountTable, Settings
from postroom.errors import Problem
from postroom.rules.destinations import Destination, MaildirFolder
from postroom.rules.destinations import Path as Subpath
from postroom.rules.rule import NamedAction, Rule

_GMAIL = ("pop.gmail.com", "pop.googlemail.com")
_UNIT_SETTINGS = Path("/etc/postroom")
_UNIT_STATE = Path("/var/lib/postroom")
_RECENT = "recent:"
_NOT_THE_OWNERS = 0o077


# -- Maildirs --------------------------------------------------------------------------


def find_wrong_maildirs(settings: Settings, file: str) -> Iterator[Problem]:
    """Maildirs that are no folders, lie in one another, or among what is postroom's."""
    own = OwnPlaces.of(settings, Path(file))
    seen: list[tuple[str, Path]] = []
    for name in settings.account:
        path = settings.maildir_of(name)
        if path is None:
            continue
        complaints = [_complain_of_state(path, settings) or _complain_of(path, own)]
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


def _complain_of(path: Path, own: OwnPlaces) -> str:
    if os.path.exists(path) and not os.path.isdir(path):
        return f"{path} is there, and is no folder"
    if closed := own.holding(path / "new", mail=True):
        return f"{closed} is postroom's own: expected a folder elsewhere"
    return ""


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
    if named.action.labels and table.maildir is False:
        return (
            "is a POP3 account, which has no labels: have the rule name other accounts"
        )
    if named.action.labels:
        return (
            "is a POP3 account, and its Maildir has no labels: copy puts it into a "
            "folder as well; or have the rule name other accounts"
        )
    if named.action.on_mailbox and table.maildir is False:
        return (
            "stores nothing here (maildir = false), and a POP3 server can neither file "
            "nor mark: give it a maildir, or have the rule name other accounts"
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
        # A folder of a Maildir has no dot on any account: its type has seen to that.
        if isinstance(value, MaildirFolder):
            continue
        if isinstance(value, Destination | Subpath):
            yield value


# -- advice ----------------------------------------------------------------------------


def advise_on_accounts(settings: Settings, file: str) -> Iterator[Problem]:
    """A warning for what POP3 accounts can have, and is most likely not meant."""
    for name, table in settings.account.items():
        path = settings.maildir_of(name)
        key = f"account.{name}.maildir"
        if path and not _is_below(path, settings.postroom.state):
            if _is_for_the_unit(settings, file):
                yield Problem(file, f"it {_tell_unit(path)}", key=key)
        elif path and ~settings.postroom.umask & _NOT_THE_OWNERS:
            yield Problem(file, _tell_umask(path, settings), key=key)
        if hides_retrieved(table):
            yield Problem(file, _tell_gmail(table), key=f"account.{name}.pop3")


def advise_on_places(
    settings: Settings, file: str, rules: Iterable[Rule]
) -> Iterator[Problem]:
    """A warning for each folder that rules save in and the unit may not write to."""
    if not _is_for_the_unit(settings, file):
        return
    told: set[Path] = set()
    for saved in find_saved_places(rule for rule in rules if rule.enabled):
        path = saved.folder
        if path not in told and not _is_below(path, settings.postroom.state):
            told.add(path)
            yield saved.tell(f"{path} {_tell_unit(path)}")


def _is_for_the_unit(settings: Settings, file: str) -> bool:
    """True of settings in the place of the unit's, or with its state folder.

    $INVOCATION_ID tells nothing: a shell on a desktop often has it, too.
    """
    in_place = _is_below(Path(file), _UNIT_SETTINGS)
    return in_place or _is_below(settings.postroom.state / "x", _UNIT_STATE)


def _tell_unit(path: Path) -> str:
    return (
        "is outside of the state folder, where a unit with DynamicUser= may not "
        "write. The unit needs two lines (systemctl edit postroom): User=NAME, a user "
        f"that stays, and ReadWritePaths={_as_in_unit(path)}, which has to be there"
    )


def _as_in_unit(path: Path) -> str:
    """The path as systemd reads one: blanks part it from the next, unless quoted."""
    text = re.sub(r"""([\\"'])""", r"\\\1", str(path).replace("%", "%%"))
    return f'"{text}"' if re.search(r"[\s\\]", text) else text


def _tell_umask(path: Path, settings: Settings) -> str:
    return (
        f"umask lets others than the owner read, and none of them can reach {path}: "
        f"the state folder {settings.postroom.state} is for its owner alone (0700). "
        "Name a maildir elsewhere, such as /srv/mail/isp"
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
