"""Secrets: named in the settings, never written there.

A reference is `scheme:rest`. Nothing here repeats a secret, not even a wrong one.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from postroom.errors import PluginError, PostroomError
from postroom.log import register_secrets

_EXPLAINED = (
    "expected credential:NAME (given by systemd), file:PATH (only its owner may read "
    "it), env:NAME (a variable of the environment) or command:PROGRAM (what it "
    "prints), never the secret itself"
)
# What is as like a scheme as this is a slip, and not the beginning of a password.
_LIKENESS = 0.8
_COMMAND_SECONDS = 30
_MOST_OCTETS = 64 * 1024


class SecretError(PostroomError):
    """A secret can't be had; says why, without it."""


class AbsentCredential(SecretError):
    """A `credential:` that only systemd can give, asked for outside of the unit."""


Resolver = Callable[[str], str | None]


@dataclass(frozen=True)
class Secrets:
    """Where secrets come from: the four schemes of postroom, then what plugins add."""

    plugins: Resolver = lambda reference: None
    environment: Mapping[str, str] = field(
        default_factory=lambda: os.environ, repr=False
    )

    def resolve(self, reference: str) -> str:
        """The secret a reference names; raises `SecretError`. May take seconds."""
        scheme, colon, rest = reference.partition(":")
        readers = {
            "env": self._read_environment,
            "file": _read_file,
            "command": _run_command,
            "credential": self._read_credential,
        }
        if not colon:
            raise SecretError(_EXPLAINED)
        reader = readers.get(scheme)
        secret = reader(rest) if reader else self._ask_plugins(reference, readers)
        register_secrets([secret])
        return secret

    def mark(self, reference: str) -> object:
        """What tells a secret's file from a changed one, without reading it; nothing
        for secrets that are in no file."""
        match reference.partition(":"):
            case "file", _, name:
                path = Path(name)
            case "credential", _, name:
                path = Path(self.environment.get("CREDENTIALS_DIRECTORY", ""), name)
            case _:
                return None
        try:
            found = path.expanduser().stat()
        except (OSError, RuntimeError):  # it is away, or of a user who is not there
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _ask_plugins(self, reference: str, schemes: Mapping[str, object]) -> str:
        try:
            secret = self.plugins(reference)
        except PluginError as error:
            raise SecretError(str(error)) from error
        if secret is None:
            raise SecretError(_tell_unknown(reference.partition(":")[0], schemes))
        return secret

    def _read_environment(self, name: str) -> str:
        if name not in self.environment:
            raise SecretError(f"the environment has no {name}")
        return self.environment[name]

    def _read_credential(self, name: str) -> str:
        folder = self.environment.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise AbsentCredential(f"systemd gives credential {name} only to the unit")
        if not name or Path(name).name != name:
            raise SecretError("a credential's name has no slashes")
        return _read_whole(Path(folder, name))


def _tell_unknown(scheme: str, schemes: Iterable[str]) -> str:
    """What to say of a scheme that may be the beginning of a password."""
    close = get_close_matches(scheme.lower(), schemes, n=1, cutoff=_LIKENESS)
    if close:
        return f"there is no scheme {scheme!r}; did you mean {close[0]!r}?"
    return f"its scheme is not known: {_EXPLAINED}"


def _read_file(name: str) -> str:
    path = Path(name).expanduser()
    require_private(path)
    return _read_whole(path)


def require_private(path: Path) -> None:
    """Raise `SecretError` unless the file is there, for its owner alone to read."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SecretError(f"{path} can't be read: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretError(f"others may read {path}: chmod 600 it")


def _read_whole(path: Path) -> str:
    try:
        secret = path.read_bytes()[:_MOST_OCTETS].decode().rstrip("\r\n")
    except OSError as error:
        raise SecretError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SecretError(f"{path} is not UTF-8") from error
    return _checked(secret, str(path))


def _run_command(command: str) -> str:
    """What a program prints; started without a shell."""
    try:
        arguments = shlex.split(command)
        done = subprocess.run(
            arguments, capture_output=True, timeout=_COMMAND_SECONDS, check=True
        )
        return _checked(done.stdout.decode().rstrip("\r\n"), arguments[0])
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise SecretError(f"{type(error).__name__}: it is no command") from error
    except OSError as error:
        raise SecretError(f"it can't be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise SecretError(f"it took more than {_COMMAND_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        raise SecretError(f"it ended with status {error.returncode}") from error


def _checked(secret: str, source: str) -> str:
    if not secret:
        raise SecretError(f"{source} gave an empty secret")
    if {"\r", "\n", "\0"} & set(secret):
        raise SecretError(f"{source} gave more than one line")
    return secret
