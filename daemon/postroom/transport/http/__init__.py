"""Web requests for plugins, over HTTPS to the public Internet only; the sole importer
of httpx."""

from __future__ import annotations

from postroom.transport.http.client import HttpsClient

__all__ = ["HttpsClient"]
