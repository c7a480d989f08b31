"""The text of the files, with what a newcomer has to know said in them."""

from __future__ import annotations

import json

from postroom.commands.init.answers import NONE, Draft
from postroom.commands.init.places import Places
from postroom.config.settings import is_loopback

SETTINGS_SCHEMA = "postroom.schema.json"
RULES_SCHEMA = "rules.schema.json"

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
# TLS is always used and verified: port 993 is the default for IMAP, 465 for SMTP. With
# tls = "starttls" they are 143 and 587.
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
        imap=_server(draft.imap, draft.user, starttls=143),
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
    return f"smtp = {_server(draft.smtp, draft.user, starttls=587)}"


def _server(server: str, user: str, starttls: int) -> str:
    """`HOST[:PORT]` as a table; a port of this machine that is no usual one belongs to
    a bridge, which may do without TLS."""
    has_port = server.count(":") == 1  # an address of IPv6 has more of them
    host, _, port = server.partition(":") if has_port else (server, "", "")
    items = [f"host = {_quote(host)}"]
    if has_port:
        items.append(f"port = {port if port.isdecimal() else _quote(port)}")
    if port == str(starttls):
        items.append('tls = "starttls"')
    elif port not in ("", "993", "465") and is_loopback(host):
        items.append('tls = "none"')
    if user:
        items.append(f"user = {_quote(user)}")
    return f"{{ {', '.join(items)} }}"


def _quote(text: str) -> str:
    """A string as TOML writes it; there DEL is escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
