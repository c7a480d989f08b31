"""`postroom install` into a folder that stands for the machine."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from postroom.commands.install.layout import Layout
from postroom.commands.install.needs import Needs, find_needs
from postroom.config.configuration import load_configuration
from postroom.errors import PermanentError
from tests.architecture import ROOT
from tests.endtoend.daemon import PROGRAM
from tests.systemd.units import USER

SETTINGS = """
[postroom]
state = "/var/lib/postroom"

[account.isp]
address = "me@isp.example"
pop3 = { host = "pop.isp.example" }
maildir = "/srv/mail/isp"
password = "credential:isp"
smtp = { host = "smtp.isp.example", password = "credential:relay" }
"""
DROP_IN = "etc/systemd/system/postroom.service.d/10-settings.conf"


def install(*arguments: str, status: int = 0) -> str:
    """What the command prints."""
    done = subprocess.run(
        [str(PROGRAM), "install", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "LANG": "C.UTF-8"},
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user; nothing of the real one is touched."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def listed(folder: Path) -> dict[str, str]:
    """Every file below a folder, with what it holds or where it leads."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_text()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_a_user_gets_a_unit_a_page_completion_and_samples(home: Path) -> None:
    told = install("--user")
    there = listed(home)
    unit = there[".config/systemd/user/postroom.service"]
    assert unit == USER.read_text().replace("/opt/postroom/bin/postroom", str(PROGRAM))
    assert there[".local/bin/postroom"] == str(PROGRAM)
    assert "postroom status" in there[".local/share/man/man1/postroom.1"].replace(
        "\\", ""
    )
    for shell in (
        "bash-completion/completions/postroom",
        "zsh/site-functions/_postroom",
    ):
        assert "_POSTROOM_COMPLETE" in there[f".local/share/{shell}"]
    samples = {path.name for path in (ROOT / "rules.d").glob("*.toml")}
    assert {Path(name).name for name in there if "doc/postroom" in name} == samples
    assert all(str(home / name) in told for name in there)


def test_the_folder_of_passwords_is_its_owners_alone(home: Path) -> None:
    install("--user")
    folder = home / ".config/postroom"
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert (folder / "rules.d").is_dir()


def test_once_more_changes_nothing(home: Path) -> None:
    install("--user")
    stamps = {path: path.lstat().st_mtime_ns for path in home.rglob("*")}
    told = install("--user")
    assert stamps == {path: path.lstat().st_mtime_ns for path in home.rglob("*")}
    assert "written" not in told
    assert "replaced" not in told


def test_a_dry_run_says_it_and_does_nothing(home: Path) -> None:
    told = install("--user", "--dry-run")
    assert not [*home.iterdir()]
    assert f"would write    {home}/.config/systemd/user/postroom.service" in told
    assert "would make" in told


def test_a_unit_that_was_changed_is_put_right_and_told(home: Path) -> None:
    install("--user")
    unit = home / ".config/systemd/user/postroom.service"
    unit.write_text("[Service]\n")
    assert f"replaced    {unit}" in install("--user")
    assert "Type=notify" in unit.read_text()


def test_uninstalling_leaves_settings_and_state_alone(home: Path) -> None:
    install("--user")
    settings = home / ".config/postroom/postroom.toml"
    settings.write_text("# mine")
    state = home / ".local/state/postroom/postroom.db"
    state.parent.mkdir(parents=True)
    state.write_text("remembered")
    told = install("--user", "--uninstall")
    assert listed(home) == {
        ".config/postroom/postroom.toml": "# mine",
        ".local/state/postroom/postroom.db": "remembered",
    }
    assert f"left        {settings.parent}" in told
    assert "removed" not in install("--user", "--uninstall")


def test_what_cannot_be_written_is_told_and_the_exit_code_is_1(home: Path) -> None:
    (home / ".config").write_text("a file where a folder should be")
    assert f"{home}/.config/postroom: Not a directory" in install("--user", status=1)


LAYOUT = Layout(
    prefix=Path("/usr/local"),
    units=Path("/usr/local/lib/systemd/system"),
    drop_ins=Path("/etc/systemd/system"),
    settings=Path("/etc/postroom"),
    home=Path("/opt/postroom"),
)


@pytest.mark.parametrize("home", ["/home/ann/postroom", "/root/postroom"])
def test_what_the_unit_of_the_system_cannot_see_is_refused(home: str) -> None:
    with pytest.raises(PermanentError, match=f"{home}.* does not see into"):
        replace(LAYOUT, home=Path(home)).require_visible()


def needs_of(root: Path, *secrets: str) -> tuple[Needs, Layout]:
    """What the settings above need, where these passwords are."""
    layout = replace(LAYOUT, root=root)
    folder = layout.real(LAYOUT.settings)
    (folder / "secrets").mkdir(parents=True)
    (folder / "postroom.toml").write_text(SETTINGS)
    for name in secrets:
        (folder / "secrets" / name).touch()
    return find_needs(load_configuration(folder / "postroom.toml"), layout), layout


def test_a_maildir_elsewhere_needs_a_user_that_stays(tmp_path: Path) -> None:
    needs, layout = needs_of(tmp_path)
    drop_in, user = needs.files(layout)
    assert str(drop_in.path) == f"/{DROP_IN}"
    assert drop_in.text.splitlines()[-4:] == [
        "DynamicUser=no",
        "User=postroom",
        "Group=postroom",
        "ReadWritePaths=/srv/mail/isp",
    ]
    assert "u postroom" in user.text


def test_passwords_that_are_there_are_given_and_those_that_are_not_are_told(
    tmp_path: Path,
) -> None:
    needs, layout = needs_of(tmp_path, "relay.cred")
    (drop_in, _) = needs.files(layout)
    encrypted = "LoadCredentialEncrypted=relay:/etc/postroom/secrets/relay.cred"
    assert encrypted in drop_in.text
    assert "isp" not in drop_in.text.replace("/srv/mail/isp", "")
    assert needs.missing == (Path("/etc/postroom/secrets/isp"),)


def test_nothing_is_written_where_nothing_is_needed(tmp_path: Path) -> None:
    assert not [*Needs().files(replace(LAYOUT, root=tmp_path))]
