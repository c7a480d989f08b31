"""The questions, as a person is asked them on a terminal.

An answer is looked at when it is given; Ctrl-C at any of them leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from difflib import get_close_matches

import typer

from postroom.commands.init.answers import (
    NONE,
    SCHEMES,
    Answers,
    Draft,
    amend,
    begin,
    why_not_reference,
)
from postroom.commands.init.places import Places
from postroom.commands.init.providers import other_guesses, provider_of
from postroom.commands.init.texts import may_be_plain
from postroom.commands.init.trial import find_problems, try_out
from postroom.log import printable

_SOURCES = """
Where does the password come from?
  file        you type it now, and it is kept in a file that only you may read
  credential  systemd gives it to the service (LoadCredential=)
  command     a program prints it, such as a password manager
  env         a variable of the environment"""

Amend = Callable[[Draft, str], Draft]


def converse(places: Places, answers: Answers) -> Draft:
    """The draft that a person agrees to; raises `typer.Abort` where there is none."""
    _tell(f"This writes settings and a first rule to {places.folder}.")
    _tell("Nothing is written before the end, and nothing is connected to unasked.")
    _tell("It asks about IMAP; the file tells how mail is fetched by POP3 instead.\n")
    draft = amend(_ask_address(places, answers), answers)
    draft = _ask_servers(places, answers, draft)
    if not answers.password:
        draft = _ask_password(places, draft)
    there = _offer_trial(places, answers, draft)
    if not answers.watch:
        draft = _ask_watch(places, draft, there)
    typer.confirm("\nWrite the files?", default=True, abort=True)
    return draft


def _ask_address(places: Places, answers: Answers) -> Draft:
    if answers.address:
        draft = begin(answers.address)
        if not _complain(places, draft):
            return draft
    return _ask(places, "Your mail address", None, lambda draft, said: begin(said))


def _ask_servers(places: Places, answers: Answers, draft: Draft) -> Draft:
    if answers.name is None:
        question = "Your name, as others see it (Enter for none)"
        draft = _ask(places, question, "", _put("name"), draft)
    provider, others = provider_of(draft.address), other_guesses(draft.address)
    if provider.remark:
        _tell(f"\n{provider.name}: {provider.remark}.")
    elif others and not (answers.imap and answers.smtp):
        _tell(f"\nServers often have one of these names, too: {', '.join(others)}.")
    if not answers.imap:
        question = "IMAP server (HOST, or HOST:PORT)"
        draft = _ask(places, question, draft.imap, _put("imap"), draft)
    if not answers.smtp:
        question = f"SMTP server (or {NONE}, to send nothing)"
        draft = _ask(places, question, draft.smtp, _put("smtp"), draft)
    for server in filter(may_be_plain, dict.fromkeys((draft.imap, draft.smtp))):
        if not typer.confirm(f"{server}: does it speak TLS there?", default=True):
            draft = replace(draft, plain=draft.plain | {server})
    if answers.user is None:
        question = "Login name"
        draft = _ask(places, question, draft.address, _put_user, draft)
    return draft


def _ask_password(places: Places, draft: Draft) -> Draft:
    _tell(_SOURCES)
    while True:
        said = str(typer.prompt("Source", default="file")).strip().lower()
        if said in SCHEMES:
            break
        _tell(f"  Expected one of: {', '.join(SCHEMES)}.")
    if said == "file":
        return _ask_file(places, draft)
    default = {"credential": "home", "env": "POSTROOM_PASSWORD"}.get(said)
    nouns = {"credential": "Its name", "env": "The variable", "command": "The command"}
    return _ask(places, nouns[said], default, _put("password", f"{said}:"), draft)


def _ask_file(places: Places, draft: Draft) -> Draft:
    draft = replace(draft, password=f"file:{places.password}")
    if places.password.exists():
        _tell(f"  {places.password} is there already, and is used.")
        return draft
    typed = typer.prompt("Password (it is not shown)", hide_input=True)
    return replace(draft, typed=typed)


def _offer_trial(places: Places, answers: Answers, draft: Draft) -> tuple[str, ...]:
    """The mailboxes that are there, as far as one may ask."""
    if draft.scheme == "credential":
        _tell("\nOnly the service gets that password, so that no login can be tried.")
        return ()
    servers = [draft.imap, *([] if draft.smtp == NONE else [draft.smtp])]
    question = f"\nMay I log in to {' and '.join(servers)} now, to try it?"
    if not answers.connect and not typer.confirm(question, default=False):
        return ()
    trial = try_out(places, draft)
    for line in trial.lines:
        _tell(f"  {line}")
    if any("certificate is not trusted" in line for line in trial.lines):
        _tell(
            '  For an authority of your own, add ca = "/path/to/ca.pem" to the table of'
        )
        _tell("  that server in the file.")
    if not trial.worked:
        _tell("  Put it right in the file afterwards; `postroom check --connect` tries")
        _tell("  again.")
    return trial.mailboxes


def _ask_watch(places: Places, draft: Draft, there: Collection[str]) -> Draft:
    if there:
        _tell(f"\nMailboxes there: {', '.join(there)}")
    question = "Which mailboxes are to be watched? (several: with commas)"
    while True:
        draft = _ask(places, question, "INBOX", _put_watch, draft)
        absent = [each for each in draft.watch if there and each not in there]
        if not absent or not _doubts(absent, there):
            return draft


def _doubts(absent: Collection[str], there: Collection[str]) -> bool:
    """True if a person thinks better of names that no mailbox has."""
    for name in absent:
        close = get_close_matches(name, there, n=1)
        _tell(f"  There is no {name}{f'; did you mean {close[0]}?' if close else '.'}")
    return not typer.confirm("Watch it all the same?", default=False)


def _ask(
    places: Places,
    question: str,
    default: str | None,
    put: Amend,
    draft: Draft | None = None,
) -> Draft:
    """Ask until the answer makes a draft without a problem."""
    while True:
        said = str(typer.prompt(question, default=default, show_default=bool(default)))
        wanted = put(draft or begin("me@example.org"), said.strip())
        if not _complain(places, wanted):
            return wanted


def _complain(places: Places, draft: Draft) -> bool:
    """Tell what is wrong with a draft; True if something is."""
    problems = [problem.message for problem in find_problems(places, draft)]
    if why := why_not_reference(draft.password):
        problems.append(why)
    for message in dict.fromkeys(problems):
        _tell(f"  {message[0].upper()}{message[1:]}.")
    return bool(problems)


def _put(field: str, prefix: str = "") -> Amend:
    def put(draft: Draft, said: str) -> Draft:
        changes = {field: f"{prefix}{said}"}
        return replace(draft, **changes)  # type: ignore[arg-type] # they are all texts

    return put


def _put_user(draft: Draft, said: str) -> Draft:
    return replace(draft, user="" if said == draft.address else said)


def _put_watch(draft: Draft, said: str) -> Draft:
    names = (name.strip() for name in said.split(","))
    return replace(draft, watch=tuple(name for name in names if name))


def _tell(text: str) -> None:
    typer.echo(printable(text))
