"""The rules that every source file keeps, as functions from a file to its offences.

Ranks: a module imports from lower ranks or from its own folder, and what it may not
know it can't come to depend on. A library has one owner, so that it can be replaced.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

ROOT = Path(__file__).parent.parent
PACKAGE = "daemon/postroom"

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40

RANKS = {
    "__version__": 0,
    "errors": 0,
    "failpoints": 1,
    "log": 1,
    "mail": 2,
    "rules": 3,
    "ports": 4,
    "hooks": 5,
    "config": 6,
    "store": 6,
    "transport": 6,
    "service": 7,
    "commands": 8,
    "cli": 8,
    "__init__": 9,
    "testing": 9,
}

# Who may import a library: folders or modules of the package.
OWNERS = {
    "aioimaplib": ("transport/imap",),
    "aiosmtplib": ("transport/smtp",),
    "aiosmtpd": ("commands/demo",),
    "apscheduler": ("service/timetable.py",),
    "httpx": ("transport/http",),
    "pluggy": ("hooks",),
    "pydantic": ("config", "rules"),
    "pydantic_core": ("config",),
    "proxyprotocol": ("commands/demo",),
    "pymap": ("commands/demo",),
    "pysasl": ("commands/demo",),
    "re2": ("rules/text.py", "rules/textset.py"),
    "rich": ("commands",),
    "sqlalchemy": ("store",),
    "sqlite3": ("store",),
    "ssl": ("transport",),
    "structlog": ("log",),
    "typer": ("cli", "commands"),
}

# Where everything may be caught, and why.
CATCHES_ALL = {
    "log/bridge.py": "what a library logs can hold anything, and must not stop it",
    "rules/boundary.py": "a plugin is a stranger's code",
    "service/control.py": "what is asked at the socket must not end the daemon",
    "store/writer.py": "what fails in its thread is raised where it is awaited",
}

# What may import when it runs, though it is no command, and why.
LOADS_LATE = {
    "service/connections.py": "who has no server of a kind does not load its client",
    "service/supervisor.py": "who handles mail once does not load the timetable",
}

_SILENCING = re.compile(r"\bnoqa\b|\btype:\s*ignore\b")
_REASONED = re.compile(r"(noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\])\s*[-#]\s*\w+")


@dataclass(frozen=True)
class Source:
    """One Python file: its path below the root of the project, and its text."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text)

    @property
    def place(self) -> str:
        """Its path inside the package (`mail/body.py`); empty outside of it."""
        path = PurePath(self.name)
        inside = path.is_relative_to(PACKAGE)
        return str(path.relative_to(PACKAGE)) if inside else ""

    @property
    def part(self) -> str:
        """The part of the package it belongs to: `mail`, `ports`, `__init__`."""
        return PurePath(self.place).parts[0].removesuffix(".py") if self.place else ""


def sources(*folders: str) -> list[Source]:
    """Every Python file in these folders of the project."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [Source(str(path.relative_to(ROOT)), path.read_text()) for path in paths]


def ranks(source: Source) -> Iterator[str]:
    """A module imports from lower ranks or from its own folder only."""
    for module in _imported(source.tree):
        top, _, inside = module.partition(".")
        part = inside.split(".")[0] or "__init__"
        if top == "postroom" and part != source.part:
            if part not in RANKS or source.part not in RANKS:
                yield f"{source.name}: {part} or {source.part} has no rank"
            elif RANKS[part] >= RANKS[source.part]:
                yield f"{source.name} imports {module}, which is not below it"


def owners(source: Source) -> Iterator[str]:
    """A library is imported by its owner only, and each has one."""
    for module in _imported(source.tree):
        library = module.split(".")[0]
        known = library in sys.stdlib_module_names or library == "postroom"
        allowed = OWNERS.get(library)
        if allowed is None:
            if not known:
                yield f"{source.name} imports {library}, which has no owner"
        elif not any(PurePath(source.place).is_relative_to(owner) for owner in allowed):
            yield f"{source.name} imports {library}; its owner is {allowed[0]}"


def plugin_imports(source: Source) -> Iterator[str]:
    """A plugin imports `postroom` itself and the standard library only."""
    for module in _imported(source.tree):
        if module != "postroom" and module.split(".")[0] not in sys.stdlib_module_names:
            yield f"{source.name} imports {module}"


def lazy_imports(source: Source) -> Iterator[str]:
    """Imports stand at the top; only what starts quickly may import when it runs, or
    has leave to."""
    if source.part in {"__init__", "cli", "commands"} or source.place in LOADS_LATE:
        return
    for function in _functions(source.tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{source.name}:{node.lineno} imports inside a function"


def module_length(source: Source) -> Iterator[str]:
    """A module is short enough to be read in one go."""
    if (length := len(source.text.splitlines())) > LONGEST_MODULE:
        yield f"{source.name} has {length} lines"


def function_length(source: Source) -> Iterator[str]:
    """A function fits on a screen."""
    for function in _functions(source.tree):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > LONGEST_FUNCTION:
            yield f"{source.name}: {function.name} has {length} lines"


def docstrings(source: Source) -> Iterator[str]:
    """A module and every public name in it say what they are.

    A method of a class with bases may leave that to the base.
    """
    if ast.get_docstring(source.tree) is None:
        yield f"{source.name} has no docstring"
    for node in _public(source.tree):
        if ast.get_docstring(node) is None:
            yield f"{source.name}:{node.lineno} {node.name} has no docstring"


def reasons(source: Source) -> Iterator[str]:
    """Whoever silences a tool names what, and says why on the same line."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        comment = token.string if token.type == tokenize.COMMENT else ""
        if _SILENCING.search(comment) and not _REASONED.search(comment):
            yield f"{source.name}:{token.start[0]} gives no reason: {comment}"


def broad_excepts(source: Source) -> Iterator[str]:
    """Nothing catches everything, unless it raises it again or has leave to."""
    if source.place in CATCHES_ALL:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                yield f"{source.name}:{node.lineno} catches everything"


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            parts = [each.name for each in node.names if each.name in RANKS]
            # `from postroom import ports` imports a part, not the package's own names.
            names = parts if module == "postroom" else []
            yield from [f"{module}.{name}" for name in names] or [module]


def _functions(tree: ast.AST) -> Iterator[_Function]:
    return (node for node in ast.walk(tree) if isinstance(node, _Function))


def _public(body: ast.Module | ast.ClassDef) -> Iterator[_Function | ast.ClassDef]:
    for node in body.body:
        if isinstance(node, _Function | ast.ClassDef) and node.name[0] != "_":
            yield node
        if isinstance(node, ast.ClassDef) and node.name[0] != "_":
            yield from (each for each in _public(node) if not _is_inherited(node, each))


def _is_inherited(owner: ast.ClassDef, member: _Function | ast.ClassDef) -> bool:
    bases = {ast.unparse(base) for base in owner.bases} - {"Protocol"}
    return bool(bases) and isinstance(member, _Function)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return bool(names & {"Exception", "BaseException"})
