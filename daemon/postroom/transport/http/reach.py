"""Which addresses are out in the public Internet: none of this machine or its network.

A name is resolved once, and what was checked is what is connected to: a second answer,
which may be another, is not asked for.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable

from postroom.errors import PermanentError, TemporaryError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Public by their number, and yet not so: protocol assignments (RFC 6890), relays of
# 6to4, and the inner service of a large cloud.
_NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"))
)
# All that is public of IPv6 (RFC 4291, section 2.4), but for what stands for an IPv4
# address or for documents. The addresses that map or translate IPv4 are outside of it.
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_NOT_GLOBAL_V6 = tuple(map(ipaddress.ip_network, ("2002::/16", "3fff::/20")))


def is_public(address: str) -> bool:
    """True if the address is one that anybody can reach."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_global and not parsed.is_multicast and not _is_special(parsed)


def _is_special(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in network for network in _NOT_PUBLIC)
    return address not in _GLOBAL_V6 or any(
        address in network for network in _NOT_GLOBAL_V6
    )


async def resolve(host: str, port: int, allowed: Callable[[str], bool]) -> list[str]:
    """The addresses of a host, in the order in which they are to be tried.

    Raises `PermanentError` unless all of them are allowed.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TemporaryError(f"{host} can't be found: {error.strerror}") from error
    except UnicodeError as error:
        raise PermanentError(f"{host!r} is no name of a host") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not allowed(address):
            raise PermanentError(
                f"{host} is at {address}, which is not in the public Internet"
            )
    return addresses
