"""The action that saves what a message brings on this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from postroom import (
    Action,
    AnyOf,
    Attachment,
    Effect,
    FileNames,
    FolderPath,
    LocalFolder,
    MaildirFolder,
    Message,
    Octets,
    Perform,
    RegisterAction,
    Services,
    clean_file_name,
    hookimpl,
    read_attachments,
)

_WAYS = (
    'expected one of these: attachments = "*.pdf" or message = true, each with the '
    'folder as to = "/srv/invoices"; or maildir = "/srv/mail/archive"'
)


class Save(Action):
    """Save `attachments`, or the whole `message`, as files in the folder `to`; or put a
    copy into a `folder` of a `maildir`. Nothing that is there is overwritten."""

    attachments: FileNames | None = None
    message: Literal[True] | None = None
    to: FolderPath | None = None
    maildir: LocalFolder | None = None
    folder: MaildirFolder | None = None
    most: int = 20
    largest: Octets = 25 * 1024**2
    quota: Octets | None = None

    def model_post_init(self, context: object) -> None:
        """Refuse what does not go together."""
        given = self.model_fields_set
        if len({"attachments", "message", "maildir"} & given) != 1:
            raise ValueError(_WAYS)
        if len({"to", "maildir"} & given) != 1:
            raise ValueError(_WAYS)
        if "folder" in given and not self.maildir:
            raise ValueError("folder is the one in a maildir; a path is written as to")
        if {"most", "largest"} & given and not self.attachments:
            raise ValueError("most and largest are limits of attachments")
        if self.most < 1:
            raise ValueError("most is at least 1")
        if self.quota == 0:
            raise ValueError("a quota of 0 has room for nothing: leave it out")

    def effects(self, message: Message) -> Iterable[Effect]:
        """Have it saved, if there is something to save."""
        if self.attachments and not AnyOf(self.attachments).fits(message.attachments):
            return
        told = {
            "levels": self.to.below(message) if self.to else [],
            "name": f"{clean_file_name(message.subject, 'message')}.eml",
            "folder": self.folder.expand(message) if self.folder else "INBOX",
            "received": message.received.isoformat(),
        }
        yield Perform(json.dumps(told), needs_bytes=True, told=self._tell(message))

    def _tell(self, message: Message) -> str:
        """What is saved of it, and where."""
        if self.maildir:
            folder = self.folder.expand(message) if self.folder else "INBOX"
            return f"save a copy in {self.maildir}, folder {folder}"
        patterns = ", ".join(map(str, self.attachments or ()))
        what = f"attachments {patterns}" if patterns else "the message"
        levels = (self.to.top, *self.to.below(message)) if self.to else ()
        return f"save {what} to {'/'.join(levels)}"

    async def perform(self, payload: str, services: Services) -> str:
        """Save it; a second time finds what is there. What the limits left out."""
        told = json.loads(payload)
        content = services.content or b""
        if self.maildir:
            received = datetime.fromisoformat(told["received"])
            place = self.maildir, told["folder"]
            await services.places.deliver(*place, content, received, self.quota)
        elif self.attachments:
            return await self._save_attachments(content, told["levels"], services)
        else:
            await self._write(told["levels"], told["name"], content, services)
        return ""

    async def _save_attachments(
        self, content: bytes, levels: Sequence[str], services: Services
    ) -> str:
        """Save those that are wanted within the limits; which were left out."""
        left_out = []
        wanted = await asyncio.to_thread(self._choose, content)
        for attachment in wanted[: self.most]:
            name = clean_file_name(attachment.name)
            octets = await asyncio.to_thread(attachment.read, self.largest)
            if octets is None:
                left_out.append(f"{name} has more than {self.largest} octets")
            else:
                await self._write(levels, name, octets, services)
        if len(wanted) > self.most:
            left_out.append(f"there are {len(wanted)}, and most is {self.most}")
        return f"not all is saved: {'; '.join(left_out)}" if left_out else ""

    def _choose(self, content: bytes) -> list[Attachment]:
        patterns = AnyOf(self.attachments or ())
        return [
            each for each in read_attachments(content) if patterns.fits([each.name])
        ]

    async def _write(
        self, levels: Sequence[str], name: str, content: bytes, services: Services
    ) -> None:
        top = self.to.top if self.to else ""
        await services.places.write(top, levels, name, content, self.quota)


@hookimpl
def register_actions(register: RegisterAction) -> None:
    """Bring the action under its name in rule files."""
    register("save", Save)
