"""What plugins want open around the service is, and holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from postroom import hookimpl
from postroom.errors import PluginError
from postroom.hooks.patience import Patience
from postroom.hooks.plugins import Plugins


def plugin(lifespan: Callable[[], object]) -> object:
    """A plugin that has this one hook."""
    return SimpleNamespace(lifespan=hookimpl(lifespan))


def test_a_lifespan_is_around_the_service() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        steps.append("entered")
        yield
        steps.append("left")

    async def serve() -> None:
        plugins = Plugins([("acme", plugin(lifespan))])
        async with AsyncExitStack() as stack:
            await plugins.enter_lifespans(stack, {})
            steps.append("served")

    asyncio.run(serve())
    assert steps == ["entered", "served", "left"]


IMPATIENT = Patience(entering=0.05, leaving=0.05, telling=0.05)


def spanning(lifespan: Callable[[], object]) -> Plugins:
    return Plugins([("acme", plugin(lifespan))], IMPATIENT)


async def span(plugins: Plugins, error: Exception | None = None) -> None:
    """A service that ends with this error, if any, inside the plugins' lifespans."""
    async with AsyncExitStack() as stack:
        await plugins.enter_lifespans(stack, {})
        if error:
            raise error


def test_a_lifespan_that_takes_too_long_to_begin_is_named() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    with pytest.raises(PluginError, match=r"acme: lifespan: .* longer than 0.05 s"):
        asyncio.run(span(spanning(lifespan)))


def test_a_lifespan_that_takes_its_cancellation_for_nothing_ends_the_start() -> None:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        yield

    with pytest.raises(PluginError, match=r"acme: lifespan: .* longer than 0.05 s"):
        asyncio.run(span(spanning(lifespan)))


def test_a_lifespan_is_entered_and_left_in_one_task() -> None:
    """Or its timeouts and groups of tasks would be those of the service."""
    tasks: list[asyncio.Task[object] | None] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        tasks.append(asyncio.current_task())
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            beside = group.create_task(asyncio.Event().wait())
            yield
            beside.cancel()
        tasks.append(asyncio.current_task())

    asyncio.run(span(spanning(lifespan)))
    entered, left = tasks
    assert entered is left


def test_what_is_no_lifespan_is_named() -> None:
    with pytest.raises(PluginError, match="acme: lifespan: TypeError: 'int' object"):
        asyncio.run(span(spanning(lambda: 3)))


@asynccontextmanager
async def leaving_slowly() -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.Event().wait()


@asynccontextmanager
async def leaving_wrongly() -> AsyncIterator[None]:
    try:
        yield
    finally:
        raise LookupError("nothing there")


@asynccontextmanager
async def leaving_never() -> AsyncIterator[None]:
    yield
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


@asynccontextmanager
async def hiding() -> AsyncIterator[None]:
    with suppress(OSError):
        yield


@pytest.mark.parametrize(
    ("lifespan", "complaint"),
    [
        (leaving_slowly, "acme: lifespan: it took longer than 0.05 s"),
        (leaving_never, "acme: lifespan: it took longer than 0.05 s"),
        (leaving_wrongly, "acme: lifespan: LookupError: nothing there"),
    ],
)
def test_a_lifespan_that_does_not_end_well_is_logged(
    lifespan: Callable[[], object], complaint: str
) -> None:
    """The service has ended, and how it did is what counts."""
    with capture_logs() as logs:
        asyncio.run(span(spanning(lifespan)))
        with pytest.raises(OSError, match="disk"):
            asyncio.run(span(spanning(lifespan), OSError("disk")))
    told = [entry["error"].partition(" (")[0] for entry in logs]
    assert told == [complaint] * 2


def test_a_lifespan_does_not_hide_how_the_service_ended() -> None:
    with pytest.raises(OSError, match="disk"):
        asyncio.run(span(spanning(hiding), OSError("disk")))
