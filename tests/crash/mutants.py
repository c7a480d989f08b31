"""Faults to be planted: each loses or repeats mail, or would in a power cut."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.crash.bench import ROOT


@dataclass(frozen=True)
class Mutant:
    """A source tree in which one thing is done wrong."""

    name: str
    file: str
    text: str
    instead: str

    def plant(self, folder: Path) -> Path:
        """A copy of the tree, in this folder, with the fault."""
        for part in ("daemon", "plugins"):
            shutil.copytree(
                ROOT / part,
                folder / part,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        file = folder / "daemon" / "postroom" / self.file
        source = file.read_text()
        assert source.count(self.text) == 1, f"{self.name}: the code has changed"
        file.write_text(source.replace(self.text, self.instead))
        return folder


_MARKED = """            await self._store.mark_sending(
                [each.id for each in deliveries if each.recipient in accepted]
            )
"""
_LOADED = "            outgoing = await self._store.outgoing(outgoing_id)\n"
_COMMITTED = (
    "            unsent = await self.store.commit(place.run, charged, cursor)\n"
)

DELIVERED_EARLY = Mutant(
    "delivered before the dot",
    "service/lane.py",
    _MARKED,
    _MARKED
    + """            early = Receipt(DeliveryState.DELIVERED, 250)
            receipts = dict.fromkeys([each.recipient for each in deliveries], early)
            await self._settle(outgoing, deliveries, receipts, 0)
""",
)
MOVED_EARLY = Mutant(
    "move before the journal",
    "service/commitment.py",
    _COMMITTED,
    """            for each in charged:
                for planned in each.plan.effects if each.plan else ():
                    if type(planned.effect).__name__ == "FileInto":
                        where = planned.effect.mailbox
                        await place.mailbox.move([each.message.key.uid], where)
"""
    + _COMMITTED,
)
UNSYNCED = Mutant(
    "the plan committed unsynced",
    "store/dialects.py",
    "{'FULL' if durable else 'NORMAL'}",
    "NORMAL",
)
RENAMED = Mutant(
    "Message-ID made anew at a retry",
    "service/lane.py",
    _LOADED,
    _LOADED
    + """            import dataclasses, time
            anew = b"Message-ID: <%d." % time.time_ns()
            content = outgoing.content.replace(b"Message-ID: <", anew, 1)
            outgoing = dataclasses.replace(outgoing, content=content)
""",
)
