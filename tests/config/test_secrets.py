"""Secrets are named, read where they lie, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from postroom.config.secrets import AbsentCredential, SecretError, Secrets
from postroom.errors import PluginError
from postroom.log import redact


def secret_file(folder: Path, text: str = "hush-hush\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_each_scheme_gives_its_secret(tmp_path: Path) -> None:
    path = secret_file(tmp_path)
    environment = {"PASSWORD": "open sesame", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    secrets = Secrets(environment=environment)
    assert secrets.resolve("env:PASSWORD") == "open sesame"
    assert secrets.resolve(f"file:{path}") == "hush-hush"
    assert secrets.resolve("credential:secret") == "hush-hush"
    assert secrets.resolve(f"command:cat '{path}'") == "hush-hush"


def test_a_plugin_may_add_a_scheme() -> None:
    secrets = Secrets(lambda reference: "x" * 5 if reference == "vault:a" else None)
    assert secrets.resolve("vault:a") == "xxxxx"
    with pytest.raises(SecretError, match="its scheme is not known"):
        secrets.resolve("valt:a")


@pytest.mark.parametrize("slip", ["comand", "files", "ENV", "credentials"])
def test_a_slip_in_a_scheme_is_told(slip: str) -> None:
    with pytest.raises(SecretError, match=f"no scheme '{slip}'; did you mean"):
        Secrets().resolve(f"{slip}:a")


@pytest.mark.parametrize(
    "password", ["correct:horse", "comment:x", "hunter2", "a:b", "fine:x", ":x"]
)
def test_what_may_be_a_password_is_not_repeated(password: str) -> None:
    """The four schemes are explained instead."""
    with pytest.raises(SecretError) as caught:
        Secrets().resolve(password)
    words = password.replace(":", " ").split()
    told = str(caught.value)
    assert not any(f"'{word}" in told or f" {word}" in told for word in words[:1])
    for scheme in ("credential:", "file:", "env:", "command:"):
        assert scheme in told


def test_what_a_plugin_raises_is_told() -> None:
    def fail(reference: str) -> str | None:
        raise PluginError("vault", "it is sealed")

    with pytest.raises(SecretError, match="vault: it is sealed"):
        Secrets(fail).resolve("vault:a")


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("env:NO_SUCH", "has no NO_SUCH"),
        ("file:/no/such/file", "can't be read"),
        ("command:false", "status 1"),
        ("command:/no/such/program", "can't be started"),
        ("command:", "no command"),
        ("command:true", "empty"),
        ("command:printf 'a\\nb'", "more than one line"),
        ("hunter2", "never the secret itself"),
    ],
)
def test_what_can_not_be_had_is_told(reference: str, complaint: str) -> None:
    with pytest.raises(SecretError, match=complaint):
        Secrets(environment={}).resolve(reference)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="chmod 600"):
        Secrets().resolve(f"file:{secret_file(tmp_path, mode=0o640)}")


def test_a_credential_is_no_path_and_needs_the_unit(tmp_path: Path) -> None:
    with pytest.raises(AbsentCredential):
        Secrets(environment={}).resolve("credential:home")
    inside = Secrets(environment={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    with pytest.raises(SecretError, match="no slashes"):
        inside.resolve("credential:../secret")


def test_a_resolved_secret_is_redacted_from_then_on() -> None:
    Secrets(environment={"P": "correct horse"}).resolve("env:P")
    assert redact("LOGIN me correct horse") == "LOGIN me [secret]"
