"""The corpus: server lines of the RFCs' examples, texts that mean something to IMAP,
and every input that once showed a fault."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def seeds(target: str) -> list[Path]:
    """The inputs of a fuzz target."""
    return sorted((CORPUS / target).iterdir())
