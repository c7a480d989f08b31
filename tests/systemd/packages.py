"""What a machine does with Debian's packages, without any network."""

from __future__ import annotations

from tests.systemd.machine import Machine

_ENVIRONMENT = ("env", "DEBIAN_FRONTEND=noninteractive")


def install(machine: Machine, name: str) -> str:
    """Install a package of /srv/package, as an owner does; what was printed."""
    return apt(machine, "install", f"/srv/package/{name}")


def apt(machine: Machine, *arguments: str) -> str:
    """What apt-get prints; it must succeed, and reaches nobody."""
    # It asks systemd by a socket of the file system: that is no network.
    offline = ("unshare", "--net", *_ENVIRONMENT, "apt-get", "--yes", *arguments)
    return machine.run(*offline, seconds=300)
