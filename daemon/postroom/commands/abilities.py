"""What the servers can do, in words, and what of the files does not fit them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from postroom.commands.connecting import Answer
from postroom.commands.maildrop import describe_maildrop, show_poll
from postroom.config.configuration import Configuration
from postroom.config.settings import AccountTable
from postroom.log import printable
from postroom.mail.names import canonical
from postroom.ports import AccountReport
from postroom.rules.destinations import Destination
from postroom.rules.rule import Rule
from postroom.transport.imap.specialuse import folded, use_of

_NEEDED = ("Archive", "Junk", "Trash")
_NEEDED_BY = {"archive": "Archive", "delete": "Trash"}  # actions that name no mailbox
_MEGABYTE = 1024**2


@dataclass(frozen=True)
class Told:
    """What is told of one server: facts under their headings, and what to look at."""

    account: str
    kind: str
    where: str
    error: str
    facts: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """True if nothing could be asked there."""
        return bool(self.error)

    @property
    def data(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "account": self.account,
            "kind": self.kind,
            "server": self.where,
            "works": not self.failed,
            "error": printable(self.error),
            "abilities": {name: printable(words) for name, words in self.facts},
            "remarks": [printable(remark) for remark in self.remarks],
        }


def tell_answers(
    configuration: Configuration, answers: Iterable[Answer]
) -> Sequence[Told]:
    """Every answer in words."""
    return [_tell(configuration, answer) for answer in answers]


def _tell(configuration: Configuration, answer: Answer) -> Told:
    facts, remarks = _describe(configuration, answer)
    place = (answer.account, answer.kind, answer.where, answer.error)
    return Told(*place, tuple(facts), tuple(remarks))


def _describe(
    configuration: Configuration, answer: Answer
) -> tuple[Iterable[tuple[str, str]], Iterable[str]]:
    """Facts, and what to look at."""
    settings, name, report = configuration.settings, answer.account, answer.report
    table = settings.account[name]
    if answer.kind == "pop3":
        return describe_maildrop(table, report)
    if answer.error:
        return (), ()
    if report is None:
        return _relay_facts(answer.extensions), ()
    rules = [*_rules_of(name, configuration.rules)]
    remarks = [*_absent_watched(table.watch, report), *_absent_targets(rules, report)]
    wanted = {use for rule in rules for use in _wanted_uses(rule)}
    return _account_facts(table, report, wanted), remarks


def _account_facts(
    table: AccountTable, report: AccountReport, wanted: Collection[str]
) -> Iterator[tuple[str, str]]:
    can = report.capabilities
    polled = f"is looked for {show_poll(table.poll)} (no IDLE)"
    yield "new mail", "is told at once (IDLE)" if "IDLE" in can else polled
    if "MOVE" in can:
        yield "moving", "in one step (MOVE)"
    elif "UIDPLUS" in can:
        yield "moving", "by copying and expunging, checked at each step (no MOVE)"
    else:
        yield "moving", "by copying; what was copied stays (no MOVE, no UIDPLUS)"
    if uses := _tell_uses(report, wanted):
        yield "mailboxes", uses
    told = "is told by the server (QUOTA)" if "QUOTA" in can else "is not told"
    yield "quota", told


def _tell_uses(report: AccountReport, wanted: Collection[str]) -> str:
    there = [f"{use} is {report.uses[use]}" for use in _NEEDED if use in report.uses]
    absent = [use for use in _NEEDED if use in wanted and use not in report.uses]
    made = f"{', '.join(absent)} would be made on first use" if absent else ""
    return "; ".join(filter(None, [", ".join(there), made]))


def _relay_facts(extensions: Iterable[str]) -> Iterator[tuple[str, str]]:
    can = dict(line.partition(" ")[::2] for line in extensions)
    size = can.get("SIZE", "")
    has_limit = size.isdecimal() and int(size) > 0
    most = f"{int(size) / _MEGABYTE:.1f} MB at most (SIZE)" if has_limit else "any"
    yield "messages", f"{most}{'' if has_limit else ' size, as far as it tells'}"
    if "8BITMIME" in can:
        yield "8-bit text", "is taken (8BITMIME)"
    else:
        yield "8-bit text", "is not taken: such mail can't be passed on (no 8BITMIME)"
    if "SMTPUTF8" not in can:
        yield "addresses", "in ASCII only (no SMTPUTF8)"


def _absent_watched(watched: Iterable[str], report: AccountReport) -> Iterator[str]:
    for mailbox in watched:
        if canonical(mailbox) not in report.mailboxes:
            suggestion = _suggest(mailbox, report)
            yield f"watch: there is no mailbox {mailbox} yet{suggestion}"


def _rules_of(account: str, rules: Iterable[Rule]) -> Iterator[Rule]:
    for rule in rules:
        if rule.enabled and (not rule.accounts or account in rule.accounts):
            yield rule


def _absent_targets(rules: Iterable[Rule], report: AccountReport) -> Iterator[str]:
    """The mailboxes that rules name and that are not there."""
    for rule in rules:
        for mailbox in _targets(rule):
            if not _is_there(mailbox, report):
                yield (
                    f"rule {rule.name!r}: there is no mailbox {mailbox} yet: it is "
                    f"made on first use{_suggest(mailbox, report)}"
                )


def _wanted_uses(rule: Rule) -> Iterator[str]:
    """The usual mailboxes into which a rule files."""
    for mailbox in _targets(rule):
        if (use := use_of(mailbox)) is not None:
            yield use.usual[0]
    for named in rule.then:
        if named.name in _NEEDED_BY:
            yield _NEEDED_BY[named.name]


def _targets(rule: Rule) -> Iterator[str]:
    """The mailboxes that a rule names outright, without placeholders."""
    for named in rule.then:
        for value in vars(named.action).values():
            if isinstance(value, Destination) and "{" not in value.root:
                yield value.root


def _is_there(mailbox: str, report: AccountReport) -> bool:
    use = use_of(mailbox)
    served = use is not None and use.usual[0] in report.uses
    return served or canonical(mailbox) in report.mailboxes


def _suggest(mailbox: str, report: AccountReport) -> str:
    nearest = _nearest(mailbox, report)
    return f"; did you mean {nearest}?" if nearest else ""


def _nearest(mailbox: str, report: AccountReport) -> str | None:
    """The mailbox that may have been meant: one of the same use, or of a like name."""
    if (use := use_of(mailbox)) is not None:
        served = [report.uses[use.usual[0]]] if use.usual[0] in report.uses else []
        there = sorted(report.mailboxes, key=len)
        like = [each for each in there if use_of(each.rpartition("/")[2]) is use]
        if served or like:
            return [*served, *like][0]
    names = {folded(each): each for each in report.mailboxes}
    found = difflib.get_close_matches(folded(mailbox), names, n=1)
    return names[found[0]] if found else None
