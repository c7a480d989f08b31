"""Servers on loopback that say aloud what they were told in confidence.

Whatever came with a login is part of every answer, as it was sent and decoded.
"""

from __future__ import annotations

import socketserver
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Manner = Literal["refuse", "defer", "accept", "leave", "babble"]

_IMAP = {"CAPABILITY": "* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS", "NOOP": "* 0 EXISTS"}


class _Echo(socketserver.StreamRequestHandler):
    """One conversation; `told` is what came with the login."""

    told = ""
    manner: Manner = "refuse"

    def say(self, *lines: str) -> None:
        """Say these lines."""
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def hear(self) -> str:
        """The next line; empty at the end."""
        return self.rfile.readline().decode("utf-8", "replace").strip()

    def remember(self, line: str) -> None:
        """Keep what may be a secret, and what it says in base64."""
        words = line.split()
        try:
            decoded = b64decode(words[-1], validate=True).decode().replace("\0", " ")
        except ValueError:
            decoded = ""
        self.told = f"{line} {decoded}".strip()


class _Imap(_Echo):
    def handle(self) -> None:
        self.say("* OK hello")
        while line := self.hear():
            tag, _, command = line.partition(" ")
            verb = command.split(" ")[0].upper()
            if verb in ("LOGIN", "AUTHENTICATE"):
                self.remember(command)
                if not self.enter(tag):
                    return
            elif self.told and verb not in ("CAPABILITY", "LOGOUT"):
                self.say(f"{tag} NO [ALERT] not after {self.told}")
            else:
                self.say(*filter(None, [_IMAP.get(verb)]), f"{tag} OK done")

    def enter(self, tag: str) -> bool:
        """Answer a login; False if nothing more is said."""
        match self.manner:
            case "refuse":
                self.say(f"{tag} NO [AUTHENTICATIONFAILED] {self.told} is wrong")
            case "defer":
                self.say(f"{tag} NO [UNAVAILABLE] {self.told} is for later")
            case "accept":
                self.say(f"* OK [ALERT] {self.told}", f"{tag} OK {self.told}")
            case "leave":
                self.say(f"* BYE {self.told}")
            case "babble":
                self.say(f"+{self.told}\0 {self.told}", f"* ({self.told} (", "{99")
        return self.manner not in ("leave", "babble")


class _Smtp(_Echo):
    def handle(self) -> None:
        self.say("220 hello")
        while line := self.hear():
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self.say("250-hello", "250-8BITMIME", "250 AUTH PLAIN")
            elif verb == "AUTH":
                self.remember(line)
                code = {"accept": 235, "defer": 454, "leave": 421}
                self.say(f"{code.get(self.manner, 535)} {self.told}")
            elif verb in ("MAIL", "RCPT", "DATA"):
                self.say(f"550 5.7.1 not after {self.told}")
            else:
                self.say("250 fine")


@contextmanager
def echoing(kind: Literal["imap", "smtp"], manner: Manner) -> Iterator[int]:
    """The port of such a server, which has these manners."""
    base = {"imap": _Imap, "smtp": _Smtp}[kind]
    handler = type("Handler", (base,), {"manner": manner})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
