"""A rule: a question about a message, and what to do where the answer is yes."""

from __future__ import annotations

from dataclasses import dataclass

from postroom.rules.action import Action
from postroom.rules.logic import All, Logic
from postroom.rules.schedule import Schedule

_ALWAYS = All(())


@dataclass(frozen=True)
class NamedAction:
    """An action under the name by which the rule file calls it."""

    name: str
    action: Action
    plugin: str = ""


@dataclass(frozen=True)
class Rule:
    """One `[[rule]]`. An empty `accounts` means all of them, an empty `mailboxes` every
    watched one; `stop` is None where the user did not say. With `on` it is run by that
    schedule, and not on arrival. `lacks` says what is missing since a plugin is gone:
    such a rule can't be asked, and what comes to it waits."""

    name: str
    when: Logic = _ALWAYS
    then: tuple[NamedAction, ...] = ()
    accounts: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    stop: bool | None = None
    enabled: bool = True
    file: str = ""
    on: Schedule | None = None
    lacks: str = ""

    def concerns(self, account: str, mailbox: str) -> bool:
        """True if the rule is for messages that arrive there."""
        return (
            self.enabled
            and self.on is None
            and (not self.accounts or account in self.accounts)
            and (not self.mailboxes or mailbox in self.mailboxes)
        )
