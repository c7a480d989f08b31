"""The text of the files, with what a newcomer has to know said in them."""

from __future__ import annotations

import json

from postroom.commands.init.answers import NONE, Draft, split_server
from postroom.commands.init.places import Places
from postroom.config.fields import is_loopback

SETTINGS_SCHEMA = "postroom.schema.json"
RULES_SCHEMA = "rules.schema.json"
_PLAIN = ("25", "1025", "1143")  # on this machine: a mail server, and bridges
_USUAL = ("", "143", "465", "587", "993", *_PLAIN)

_SETTINGS = """\
#:schema ./{schema}
# The settings of postroom. `postroom check` tells what is wrong with them, and
# `postroom check --connect` tries the servers.

[postroom]
# What postroom remembers: what it has done with which message, and what is to be sent.
state = {state}

[account.home]
# Mail is sent from this address.
address = {address}
{name}
# TLS is used and verified: port 993 is the default for IMAP, 465 for SMTP. With
# tls = "starttls" they are 143 and 587. Only a server on this machine may do without
# it, by tls = "none". For an authority of your own, add ca = "/path/to/ca.pem".
# For mail that is fetched by POP3, write pop3 = {{ host = "pop.example.org" }} in the
# place of imap, and take the lines watch and existing away.
imap = {imap}
{smtp}

# Where the password comes from, never the password itself. credential:NAME is given by
# systemd, file:PATH may be read by its owner only, command:PROGRAM is what a program
# prints, env:NAME a variable of the environment.
password = {password}

# Whatever arrives in these mailboxes is run through the rules.
watch = {watch}

# Mail that is there already is left as it is. "process" has it run through the rules,
# too.
existing = "leave"
"""

RULE = """\
#:schema ../{schema}
# Rules run in the order in which they are written, file by file in the order of their
# names: that is what the number is for.
#
# This one is harmless, and shows you that postroom works: send yourself a message with
# "postroom" in its subject, and it gets a flag (your mail program shows a star or a
# flag). Then put something useful in its place.

[[rule]]
# Names are yours to choose; logs and `postroom explain` tell of the rule by it.
name = "My first rule"

# When: a plain text may stand anywhere in the subject, in upper or lower case.
when.subject = "postroom"

# Then: what is done. { move = "Lists" } would move the message to that mailbox.
then = [{ flag = true }]
"""


def settings_text(places: Places, draft: Draft) -> str:
    """The text of `postroom.toml`."""
    return _SETTINGS.format(
        schema=SETTINGS_SCHEMA,
        state=_quote(str(places.state)),
        address=_quote(draft.address),
        name=_name(draft.name),
        imap=_server(draft, draft.imap, starttls=143),
        smtp=_smtp(draft),
        password=_quote(draft.password),
        watch=f"[{', '.join(map(_quote, draft.watch))}]",
    )


def rule_text() -> str:
    """The text of the first rule's file."""
    return RULE.replace("{schema}", RULES_SCHEMA)


def _name(name: str) -> str:
    if not name:
        return '# name = "How others see you"'
    return f"name = {_quote(name)}"


def _smtp(draft: Draft) -> str:
    if draft.smtp == NONE:
        return '# smtp = { host = "smtp.example.org" }   # without it nothing is sent'
    return f"smtp = {_server(draft, draft.smtp, starttls=587)}"


def may_be_plain(server: str) -> bool:
    """True of an unusual port of this machine: it may do without TLS, or not."""
    host, port = split_server(server)
    return is_loopback(host) and port not in _USUAL


def _server(draft: Draft, server: str, starttls: int) -> str:
    """`HOST[:PORT]` as a table, with TLS unless the port or the person says no."""
    host, port = split_server(server)
    items = [f"host = {_quote(host)}"]
    if port:
        items.append(f"port = {port if port.isdecimal() else _quote(port)}")
    if port == str(starttls):
        items.append('tls = "starttls"')
    elif is_loopback(host) and (port in _PLAIN or server in draft.plain):
        items.append('tls = "none"')
    if draft.user:
        items.append(f"user = {_quote(draft.user)}")
    return f"{{ {', '.join(items)} }}"


def _quote(text: str) -> str:
    """A string as TOML writes it; there DEL is escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
