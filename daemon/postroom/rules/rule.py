"""A rule: a question about a message, and what to do where the answer is yes."""

from __future__ import annotations

from dataclasses import dataclass

from postroom.rules.action import Action
from postroom.rules.logic import All, Logic

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
    watched one; `stop` is None where the user did not say."""

    name: str
    when: Logic = _ALWAYS
    then: tuple[NamedAction, ...] = ()
    accounts: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    stop: bool | None = None
    enabled: bool = True
    file: str = ""

    def concerns(self, account: str, mailbox: str) -> bool:
        """True if the rule is for messages that arrive there."""
        return (
            self.enabled
            and (not self.accounts or account in self.accounts)
            and (not self.mailboxes or mailbox in self.mailboxes)
        )
