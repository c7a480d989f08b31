"""Web requests that can't be led astray: not to the inside, not elsewhere, not on.

TLS is verified for the name, while the connection goes to the address that was checked.
Redirects are not followed, and neither cookies nor proxies of the environment are used.
What an address holds after its host may be a secret, and stands in no message or log.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from postroom.errors import PermanentError, TemporaryError
from postroom.rules.services import Response
from postroom.transport.http.reach import is_public, resolve

MOST_CONTENT = 64 * 1024

# At INFO it writes every address in full.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True)
class HttpsClient:
    """Asks and posts, each within `seconds`, at addresses that are `allowed`.

    `ca` is trusted instead of the system's authorities.
    """

    allowed: Callable[[str], bool] = is_public
    ca: Path | None = None
    seconds: float = 10

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Ask for a resource; redirects are not followed."""
        return await self._request("GET", url, b"", headers)

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a resource; redirects are not followed."""
        return await self._request("POST", url, content, headers)

    async def _request(
        self, method: str, url: str, content: bytes, headers: Mapping[str, str] | None
    ) -> Response:
        target = _read(url)
        request = _Request(method, target, content, dict(headers or {}))
        try:
            async with asyncio.timeout(self.seconds):
                return await self._try_addresses(request)
        except TimeoutError as error:
            reason = f"{target.host}: no answer within {self.seconds:g} s"
            raise TemporaryError(reason) from error

    async def _try_addresses(self, request: _Request) -> Response:
        """The answer from the first address that can be connected to."""
        host = request.target.raw_host.decode("ascii")
        addresses = await resolve(host, request.target.port or 443, self.allowed)
        # A context of its own: httpx writes into it.
        context = await asyncio.to_thread(ssl.create_default_context, cafile=self.ca)
        reason = "it has no address"
        for address in addresses:
            try:
                return await request.send(address, host, context)
            except httpx.ConnectError as error:
                reason = str(error)
        raise TemporaryError(f"{host} can't be reached: {reason}")


@dataclass(frozen=True)
class _Request:
    """What is asked for, of whichever address."""

    method: str
    target: httpx.URL
    content: bytes
    headers: Mapping[str, str]

    async def send(self, address: str, host: str, context: ssl.SSLContext) -> Response:
        """The answer of the host at this address."""
        client = httpx.AsyncClient(verify=context, trust_env=False, timeout=None)
        async with client:
            try:
                request = client.build_request(
                    self.method,
                    self.target.copy_with(host=address),
                    content=self.content or None,
                    headers=self._headers(),
                    extensions={"sni_hostname": host},
                )
                response = await client.send(request, stream=True)
                return Response(response.status_code, await _take(response))
            except httpx.ConnectError:
                raise
            except (httpx.LocalProtocolError, UnicodeError) as error:
                raise PermanentError(f"{host}: it can't be asked: {error}") from error
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
                raise TemporaryError(f"{host}: {reason}") from error

    def _headers(self) -> httpx.Headers:
        headers = httpx.Headers(self.headers)
        headers["Host"] = self.target.netloc.decode("ascii")
        # Compressed, 64 KiB could be 64 MiB.
        headers["Accept-Encoding"] = "identity"
        return headers


async def _take(response: httpx.Response) -> bytes:
    """The beginning of the body; the rest is not waited for."""
    kept = bytearray()
    async for chunk in response.aiter_raw():
        kept += chunk[: MOST_CONTENT - len(kept)]
        if len(kept) >= MOST_CONTENT:
            break
    await response.aclose()
    return bytes(kept)


def _read(url: str) -> httpx.URL:
    """The address, read; raises `PermanentError` if it is none to be asked."""
    try:
        target = httpx.URL(url)
        host = target.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, TypeError) as error:
        raise PermanentError("it is no address of a resource (a URL)") from error
    if target.port is not None and not 0 < target.port < 65536:
        raise PermanentError(f"{host}: there is no port {target.port}")
    if target.scheme != "https" or not host:
        reason = "expected an address that begins with https:// and a host"
        raise PermanentError(f"{reason}, not {target.scheme or 'nothing'}://{host}")
    return target
