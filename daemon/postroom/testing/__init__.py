"""What authors of plugins need for their tests: messages, rules and services, without a
daemon, a server or a network.

What is tried goes the way it goes in the daemon: rules are read and decided as there,
and conditions and actions are called through the same boundary.
"""

from __future__ import annotations

from postroom.testing.messages import ADDRESS, NOON, make_message
from postroom.testing.services import (
    Request,
    SampleFiles,
    SampleHttp,
    SampleMemory,
    SamplePlaces,
    SampleRun,
    SampleServices,
    Start,
)
from postroom.testing.trials import gathered, holds, performed, plan

__all__ = [
    "ADDRESS",
    "NOON",
    "Request",
    "SampleFiles",
    "SampleHttp",
    "SampleMemory",
    "SamplePlaces",
    "SampleRun",
    "SampleServices",
    "Start",
    "gathered",
    "holds",
    "make_message",
    "performed",
    "plan",
]
