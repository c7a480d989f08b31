"""The schemas take what postroom takes, and tell an editor of slips."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped] # it has no types
from pydantic import BaseModel

from postroom import Condition, Message, RegisterCondition, hookimpl
from postroom.config.jsonschema import rules_schema, settings_schema
from postroom.hooks.discovery import discover_plugins
from postroom.hooks.plugins import Plugins
from tests.architecture import ROOT
from tests.config.folder import SETTINGS

TAPLO = Path(sys.executable).with_name("taplo")
SAMPLES = sorted((ROOT / "rules.d").glob("*.toml"))
# Not the manual of plugins: its rules name what its own samples bring.
MANUALS = [
    ROOT / "README.md",
    ROOT / "daemon" / "README.md",
    *sorted((ROOT / "rules.d").glob("*.md")),
]
BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
THEN = "then = [{ flag = true }]"


def complaints(schema: dict[str, Any], tables: object) -> list[str]:
    """What an editor would underline."""
    written = json.loads(json.dumps(tables, default=str))
    return [error.message for error in Draft7Validator(schema).iter_errors(written)]


def blocks(table: str) -> Iterator[Any]:
    """The blocks of the manuals that have this table."""
    for path in MANUALS:
        for number, block in enumerate(BLOCK.findall(path.read_text()), 1):
            if table in tomllib.loads(block):
                yield pytest.param(block, id=f"{path.relative_to(ROOT)}-{number}")


@pytest.mark.parametrize("made", ["settings", "rules"])
def test_a_schema_is_one_of_draft_7_and_says_what_it_is_of(made: str) -> None:
    schema = (
        settings_schema() if made == "settings" else rules_schema(discover_plugins())
    )
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert made in schema["title"].lower()
    assert "null" not in json.dumps(schema)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_sample_files_fit(path: Path) -> None:
    schema = rules_schema(discover_plugins())
    assert complaints(schema, tomllib.loads(path.read_text())) == []


@pytest.mark.parametrize("block", [*blocks("rule")])
def test_the_rules_of_the_manuals_fit(block: str) -> None:
    rules = {"rule": tomllib.loads(block)["rule"]}
    assert complaints(rules_schema(discover_plugins()), rules) == []


@pytest.mark.parametrize("block", [*blocks("postroom")])
def test_the_settings_of_the_manuals_fit(block: str) -> None:
    assert complaints(settings_schema(), tomllib.loads(block)) == []


@pytest.mark.parametrize(
    "keys",
    [
        THEN,
        "then = [{ flag = true, mark = 'read' }]",
        "then = [{ forward = ['a@b.example', 'very.long.address@a-domain.example'] }]",
        "then = [{ forward = { to = 'a@b.example' } }]",
        f"{THEN}\non = {{ every = '1h' }}",
        f"{THEN}\non = 'arrival'",
        f"{THEN}\nwhen.subject = {{ is = 'a', case = true }}",
        f"{THEN}\nwhen.not = [{{ from = 'a', to = 'b' }}]",
        f"{THEN}\nwhen.not.not.any = [{{ size = 5 }}, {{ size.under = '5K' }}]",
        f"{THEN}\nwhen.header = {{ X-A = ['a', {{ regex = 'b' }}] }}",
    ],
)
def test_what_a_rule_may_say_fits(keys: str) -> None:
    tables = tomllib.loads(f"[[rule]]\nname = 'it'\n{keys}")
    assert complaints(rules_schema(discover_plugins()), tables) == []


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "then = []",
        "then = [{}]",
        "then = [{ mve = 'A' }]",
        "then = [{ flag = 'red' }]",
        "then = [{ mark = 'red' }]",
        "then = [{ forward = [] }]",
        f"{THEN}\nstp = true",
        f"{THEN}\nstop = 'yes'",
        f"{THEN}\non = 'departure'",
        f"{THEN}\non = {{ evry = '1h' }}",
        f"{THEN}\nwhen.sujet = 'a'",
        f"{THEN}\nwhen.subject = 3",
        f"{THEN}\nwhen.subject = []",
        f"{THEN}\nwhen.subject = {{ iz = 'a' }}",
        f"{THEN}\nwhen.not = {{ from = 'a', to = 'b' }}",
        f"{THEN}\nwhen.any = []",
        f"{THEN}\nwhen.any = [{{ sujet = 'a' }}]",
        f"{THEN}\nwhen.size = {{ ovr = 1 }}",
    ],
)
def test_a_slip_in_a_rule_is_found(keys: str) -> None:
    tables = tomllib.loads(f"[[rule]]\nname = 'it'\n{keys}")
    assert complaints(rules_schema(discover_plugins()), tables)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("state =", "stat ="),
        ("imap = { host", "imap = { hots"),
        ("smtp = { host", "smtp = { hots"),
        ("[postroom]", "[postroom]\nhold = 1"),
        ("[account.home]", "[account.home]\nexisting = 'x'"),
        ("[account.home]", "[account.home]\npoll = 5"),
        ("[account.home]", "[acount.home]"),
    ],
)
def test_a_slip_in_the_settings_is_found(before: str, after: str) -> None:
    assert complaints(settings_schema(), tomllib.loads(SETTINGS)) == []
    wrong = SETTINGS.replace(before, after, 1)
    assert complaints(settings_schema(), tomllib.loads(wrong))


POP3 = """
[account.isp]
address = "me@isp.example"
pop3 = { host = "pop.isp.example", auth = "apop" }
password = "command:echo hunter2hunter2"
poll = { cron = "*/10 8-18 * * mon-fri" }
keep = "14d"
maildir = "/srv/mail/isp"
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ('keep = "14d"', "keep = true"),
        ('maildir = "/srv/mail/isp"', "maildir = false"),
        ("poll = {", "poll = '5m' # {"),
    ],
)
def test_what_a_pop3_account_may_say_fits(before: str, after: str) -> None:
    settings = SETTINGS + POP3.replace(before, after, 1)
    assert complaints(settings_schema(), tomllib.loads(settings)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pop3 = {", "pop = {"),
        ("pop3 = {", 'imap = { host = "imap.isp.example" }\npop3 = {'),
        ("pop3 =", "#"),
        ("host =", "hots ="),
        ('"apop"', '"cram"'),
        ("cron =", "crn ="),
        ("keep = ", "keep = 14 # "),
        ("maildir = ", "maildir = true # "),
    ],
)
def test_a_slip_in_a_pop3_account_is_found(before: str, after: str) -> None:
    assert complaints(settings_schema(), tomllib.loads(SETTINGS + POP3)) == []
    wrong = SETTINGS + POP3.replace(before, after, 1)
    assert complaints(settings_schema(), tomllib.loads(wrong))


@pytest.mark.parametrize("umask", ["'777'", "27", "'0x27'"])
def test_a_slip_in_a_umask_is_found(umask: str) -> None:
    right = SETTINGS.replace("[postroom]", '[postroom]\numask = "027"')
    assert complaints(settings_schema(), tomllib.loads(right)) == []
    wrong = right.replace('"027"', umask)
    assert complaints(settings_schema(), tomllib.loads(wrong))


def test_defaults_stand_as_a_file_writes_them() -> None:
    account = settings_schema()["definitions"]["AccountTable"]["properties"]
    assert account["poll"]["default"] == "5m"
    assert account["watch"]["default"] == ["INBOX"]
    assert account["keep"]["default"] is False
    own = settings_schema()["definitions"]["PostroomTable"]["properties"]
    assert own["umask"]["default"] == "077"
    assert "default" not in account["password"]


class Window(BaseModel):
    """Hours of a day."""

    first: int


class Odd(Condition):
    """A condition of a stranger."""

    how: Literal["a", "b"]
    window: Window | None = None
    call: type | None = None

    def holds(self, message: Message) -> bool:
        """Never."""
        return False


def odd_plugins() -> Plugins:
    """Two plugins that have a `Window` each."""
    other = type("Window", (BaseModel,), {"__annotations__": {"last": int}})
    annotations = {"window": other}
    second = type(
        "Even", (Odd,), {"__annotations__": annotations, "__doc__": "Another."}
    )

    @hookimpl
    def register_conditions(register: RegisterCondition) -> None:
        register("odd", Odd)
        register("even", second)

    return Plugins([("acme", SimpleNamespace(register_conditions=register_conditions))])


def test_what_plugins_bring_is_in_it_with_its_docstring() -> None:
    schema = rules_schema(odd_plugins())
    conditions = schema["definitions"]["conditions"]["properties"]
    assert set(conditions) == {"all", "any", "not", "odd", "even"}
    assert conditions["odd"]["description"] == "A condition of a stranger."
    assert schema["definitions"]["actions"]["properties"] == {}
    allowed = {"name": "a", "then": [{}], "when": {"odd": "a"}}
    told = complaints(schema, {"rule": [{**allowed, "when": {"odd": "c"}}]})
    assert any("under any of the given schemas" in each for each in told)


def test_like_names_of_two_plugins_do_not_mix() -> None:
    schema = rules_schema(odd_plugins())
    schema["definitions"]["actions"] = {}
    rule = {"name": "a", "then": [{}]}
    first, last = ({"how": "a", "window": {key: 1}} for key in ("first", "last"))
    fits = {**rule, "when": {"odd": first, "even": last}}
    assert complaints(schema, {"rule": [fits]}) == []
    for wrong in ({"odd": last}, {"even": first}):
        assert complaints(schema, {"rule": [{**rule, "when": wrong}]})


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    """What taplo, and with it Even Better TOML, says of a file; without a network."""
    return subprocess.run(
        [TAPLO, "lint", "--no-auto-config", path.name],
        cwd=path.parent,
        env={"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A folder as /etc/postroom is, with both schemas and the sample rules."""
    (tmp_path / "rules.d").mkdir()
    schemas = {"postroom": settings_schema(), "rules": rules_schema(discover_plugins())}
    for name, schema in schemas.items():
        (tmp_path / f"{name}.schema.json").write_text(json.dumps(schema))
    return tmp_path


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_taplo_finds_the_schema_by_the_first_line_of_a_sample(
    etc: Path, path: Path
) -> None:
    text = path.read_text()
    assert text.startswith("#:schema ../rules.schema.json\n")
    placed = etc / "rules.d" / path.name
    placed.write_text(text)
    done = lint(placed)
    assert done.returncode == 0, done.stderr
    placed.write_text(text.replace("\nthen =", "\nthn =", 1))
    done = lint(placed)
    assert done.returncode == 1
    assert "'thn' was unexpected" in done.stderr


def test_taplo_finds_the_schema_of_the_settings(etc: Path) -> None:
    path = etc / "postroom.toml"
    path.write_text(f"#:schema postroom.schema.json\n{SETTINGS}")
    assert lint(path).returncode == 0
    path.write_text(path.read_text().replace("state =", "stat ="))
    assert "'stat' was unexpected" in lint(path).stderr
