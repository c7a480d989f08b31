"""The manual page postroom(1), from the help of the commands: man(7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from postroom import __version__

_END = r"""
.SH EXIT STATUS
.TP
0
Done.
.TP
1
Failed; what is wrong is told.
.TP
2
Called wrongly.
.TP
78
The settings or rules are wrong; systemd does not try again.
.SH FILES
.TP
.I /etc/postroom/postroom.toml
The settings; for a user,
.IR ~/.config/postroom/postroom.toml .
.TP
.I /etc/postroom/rules.d/*.toml
The rules, in the order of their names.
.TP
.I /etc/postroom/plugins/*.py
Plugins of one's own.
.TP
.I /etc/postroom/secrets/
Passwords that systemd gives to the unit.
.TP
.I /var/lib/postroom
What postroom remembers.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1),
.BR systemd-creds (1)
"""


def write_page(program: Any) -> str:  # noqa: ANN401 - click's tree of commands
    """The text of the page."""
    return "\n".join([*_head(program), *_commands(program, "postroom"), _END.lstrip()])


def _head(program: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    yield f'.TH POSTROOM 1 "" "postroom {__version__}" "User Commands"'
    yield ".SH NAME"
    yield r"postroom \- sort, file, save, answer and pass on mail, by rules"
    yield from (".SH SYNOPSIS", ".B postroom", ".I command", "[options]")
    yield from (".SH DESCRIPTION", _escape(program.help))
    yield ".SH COMMANDS"


def _commands(group: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - as above
    for word, command in group.commands.items():
        called = f"{name} {word}"
        if hasattr(command, "commands"):
            yield from _commands(command, called)
            continue
        yield f".SS {_escape(_usage(called, command))}"
        yield _escape(" ".join((command.help or "").split()))
        for option in command.params:
            if names := "/".join(getattr(option, "opts", [])):
                told = getattr(option, "help", None) or ""
                if names.startswith("-") and told:
                    yield from (".TP", f".B {_escape(names)}", _escape(told))


def _usage(called: str, command: Any) -> str:  # noqa: ANN401 - as above
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    return " ".join([called, *(p.metavar or p.name.upper() for p in arguments)])


def _escape(text: str) -> str:
    plain = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    lines = plain.splitlines()
    return "\n".join(rf"\&{line}" if line.startswith(".") else line for line in lines)
