"""Settings and rules in a folder, and commands that are given them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postroom.cli import app

SETTINGS = """
[postroom]
state = "{folder}/state"

[account.home]
address = "{address}"
password = "file:{folder}/word"
imap = {{ host = "127.0.0.1", port = {imap}, tls = "none" }}
smtp = {{ host = "127.0.0.1", port = {smtp}, tls = "none", auth = false }}
existing = "process"
"""

RULES = """
[[rule]]
name = "Invoices [all]"
when.subject = "invoice"
when.not.from = "@spam.example"
then = [ { move = "Invoices" }, { mark = "read" } ]

[[rule]]
name = "Rest"
then = [ { flag = true } ]
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """What it printed, as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Workplace:
    """A folder with settings, and the commands."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def settings(self) -> Path:
        """Where the settings stand."""
        return self.folder / "postroom.toml"

    def write(
        self,
        address: str = "me@ours.example",
        password: str = "canary-7d1f",
        imap: int = 9,
        smtp: int = 9,
        more: str = "",
        rules: str = RULES,
    ) -> None:
        """Write settings and rules."""
        word = self.folder / "word"
        word.touch(mode=0o600)
        word.write_text(password)
        text = SETTINGS.format(
            folder=self.folder, address=address, imap=imap, smtp=smtp
        )
        self.settings.write_text(text + more)
        (self.folder / "rules.d").mkdir(exist_ok=True)
        (self.folder / "rules.d" / "10-all.toml").write_text(rules)

    def run(self, command: str, *arguments: str | Path) -> Ended:
        """Run a command with these settings, in this process."""
        line = [command, *map(str, arguments), "--config", str(self.settings)]
        return self.run_line(*line)

    def run_line(self, *arguments: str) -> Ended:
        """Run the program with these arguments."""
        self.capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            app(arguments)
        out, err = self.capture.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, out, err)
