"""The daemon, once, with a watchdog that waits for seconds and not for minutes.

A program of its own: `python impatient.py SETTINGS SECONDS`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from postroom.config.configuration import Configuration, load_configuration
from postroom.log import configure_logging
from postroom.service.opening import open_service
from postroom.service.watchdog import alive


async def _run(configuration: Configuration, patience: float) -> None:
    async with alive(patience), open_service(configuration) as service:
        await service.run_once()


def main() -> None:
    """Handle what is there, as `postroom run --once` does."""
    configure_logging(sys.stderr)
    configuration = load_configuration(Path(sys.argv[1]))
    asyncio.run(_run(configuration, float(sys.argv[2])))


if __name__ == "__main__":
    main()
