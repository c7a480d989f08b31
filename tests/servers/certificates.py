"""A certificate authority of our own, and a certificate for servers on loopback."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Three PEM files: what clients trust, what servers show, and its key."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def issue(cls, folder: Path, *names: str) -> Certificates:
        """Make an authority in `folder` that vouches for `names` (or for loopback)."""
        authority = trustme.CA()
        leaf = authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
        files = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        authority.cert_pem.write_to_path(files.authority)
        for part, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(files.certificate, append=part > 0)
        leaf.private_key_pem.write_to_path(files.key)
        files.key.chmod(0o600)
        return files

    def server_context(self) -> ssl.SSLContext:
        """What a server in this process shows to its clients."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.authority)
