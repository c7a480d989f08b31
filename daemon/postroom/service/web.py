"""Web requests of plugins; what they take is loaded with the first of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from postroom.rules.services import Http, Response


class Web:
    """Asks and posts over HTTPS at public addresses."""

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Ask for a resource; redirects are not followed."""
        return await _load().get(url, headers)

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Send a resource; redirects are not followed."""
        return await _load().post(url, content, headers)


def _load() -> Http:
    # Most daemons never ask: its libraries would take start-up time and memory of all.
    client: Http = import_module("postroom.transport.http.client").HttpsClient()
    return client
