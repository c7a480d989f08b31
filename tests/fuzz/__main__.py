"""Fuzz a target for some seconds: `python -m tests.fuzz TARGET SECONDS`."""

from __future__ import annotations

import importlib
import sys

import atheris  # type: ignore[import-untyped] # it is installed for fuzzing alone

from tests.architecture import ROOT
from tests.fuzz.seeds import CORPUS


def main() -> None:
    """Fuzz until the time is over or something is found, which is kept in `build`."""
    name, seconds = sys.argv[1:]
    with atheris.instrument_imports(include=["postroom"]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    found = ROOT / "build" / "fuzz" / name
    found.mkdir(parents=True, exist_ok=True)
    options = {
        "max_total_time": seconds,
        "max_len": 4_000,
        "dict": CORPUS.with_name(f"{name.partition('_')[0]}.dict"),
        "artifact_prefix": f"{found.parent}/{name}-",
        "print_final_stats": 1,
    }
    written = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([sys.argv[0], *written, str(found), str(CORPUS / name)], target.fuzz)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
