"""A certificate authority of our own, and a certificate for servers on loopback."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Three PEM files: what clients trust, what servers show, and its key."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def issue(
        cls, folder: Path, *names: str, until: datetime | None = None
    ) -> Certificates:
        """Make an authority in `folder` that vouches for `names` (or for loopback)."""
        authority = trustme.CA()
        folder.mkdir(exist_ok=True)
        files = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        authority.cert_pem.write_to_path(files.authority)
        _write_key(authority.private_key_pem, folder / "ca.key")
        leaf = authority.issue_cert(
            *(names or ("localhost", "127.0.0.1")), not_after=until
        )
        for part, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(files.certificate, append=part > 0)
        _write_key(leaf.private_key_pem, files.key)
        return files

    @classmethod
    def sign_itself(cls, folder: Path) -> Certificates:
        """A certificate for loopback that nobody vouches for but itself."""
        files = cls(folder / "self.pem", folder / "self.pem", folder / "self.key")
        command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=mine -days 2"
        more = ["-addext", "subjectAltName=IP:127.0.0.1"]
        places = ["-out", str(files.certificate), "-keyout", str(files.key)]
        subprocess.run(
            [*command.split(), *more, *places], check=True, capture_output=True
        )
        return files

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the server's certificate, as OpenSSL prints it."""
        octets = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        return hashlib.sha256(octets).digest().hex(":").upper()

    def client(self, name: str) -> tuple[Path, Path]:
        """The certificate of a client of this name, and its key; both are new."""
        folder = self.authority.parent
        octets = self.authority.read_bytes(), (folder / "ca.key").read_bytes()
        leaf = trustme.CA.from_pem(*octets).issue_cert(common_name=name)
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        leaf.cert_chain_pems[0].write_to_path(certificate)
        _write_key(leaf.private_key_pem, key)
        return certificate, key

    def server_context(self) -> ssl.SSLContext:
        """What a server in this process shows to its clients."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.authority)


def _write_key(key: trustme.Blob, path: Path) -> None:
    key.write_to_path(path)
    path.chmod(0o600)
