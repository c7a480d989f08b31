"""Only what anybody can reach is public, however its address is written."""

from __future__ import annotations

import asyncio

import pytest

from postroom.errors import PermanentError, TemporaryError
from postroom.transport.http.reach import is_public, resolve


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::6810:84e5"]
)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("100.64.0.1", "100.100.100.200", "169.254.169.254", "168.63.129.16"),
        *("192.0.0.8", "192.88.99.1", "198.18.0.1", "224.0.0.1", "239.1.2.3"),
        *("240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fe80::1%lo", "fec0::1", "fc00::1", "fd00:ec2::254"),
        *("::ffff:8.8.8.8", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1"),
        *("64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1"),
        *("ff02::1", "5f00::1", "100::1", "localhost", "", "8.8.8", "0x7f000001"),
    ],
)
def test_what_is_inside_or_special_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0"]
)
def test_no_spelling_of_this_machine_is_let_through(host: str) -> None:
    with pytest.raises(PermanentError, match="not in the public Internet"):
        asyncio.run(resolve(host, 443, is_public))


def test_a_host_that_can_not_be_found_may_be_found_later() -> None:
    with pytest.raises(TemporaryError, match=r"no-such-host\.invalid can't be found"):
        asyncio.run(resolve("no-such-host.invalid", 443, is_public))
    with pytest.raises(PermanentError, match="is no name of a host"):
        asyncio.run(resolve("a" * 64 + ".example", 443, is_public))


def test_one_address_inside_is_one_too_many() -> None:
    """Or the answer could be the other one the next time."""

    async def look() -> None:
        loop = asyncio.get_running_loop()

        async def answer(*_args: object, **_names: object) -> list[object]:
            return [(2, 1, 6, "", (a, 443)) for a in ("8.8.8.8", "10.0.0.1")]

        loop.getaddrinfo = answer  # type: ignore[method-assign,assignment] # a name server of our own
        await resolve("two.example", 443, is_public)

    with pytest.raises(PermanentError, match=r"two\.example is at 10\.0\.0\.1"):
        asyncio.run(look())
