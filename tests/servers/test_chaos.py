"""The chaos proxy does each thing that it is told to do, and puts it on record."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import pytest

from tests.servers.chaos import ChaosProxy, chaos_proxy
from tests.servers.programs import LOOPBACK, wait_until
from tests.servers.troubled import Fault, Kind, Way

ANSWER = bytes(range(256)) * 16
CLEAN = "end of file"
RESET = "reset"


@dataclass
class Parrot:
    """A server that sends ANSWER for each line; what it got, and how it ended."""

    listener: socket.socket = field(
        default_factory=lambda: socket.create_server((LOOPBACK, 0))
    )
    heard: bytearray = field(default_factory=bytearray)
    ends: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listener.getsockname()[1]
        return port

    def serve(self) -> None:
        """Take clients until the listener is shut, and wait until they have gone."""
        with ThreadPoolExecutor() as pool, contextlib.suppress(OSError):
            while True:
                pool.submit(self._talk, self.listener.accept()[0])

    def wait_for_end(self, count: int = 1) -> str:
        """How the last of so many clients left."""
        wait_until(lambda: len(self.ends) == count, "the end at the server")
        return self.ends[-1]

    def _talk(self, client: socket.socket) -> None:
        with client:
            try:
                while octets := client.recv(4096):
                    self.heard += octets
                    client.sendall(ANSWER * octets.count(b"\n"))
                self.ends.append(CLEAN)
            except ConnectionError:
                self.ends.append(RESET)


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    """A parrot; its last client must have gone at the end."""
    server = Parrot()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    server.listener.close()


@pytest.fixture
def proxy(parrot: Parrot) -> Iterator[ChaosProxy]:
    """A proxy in front of the parrot."""
    with chaos_proxy(LOOPBACK, parrot.port) as proxy:
        yield proxy


@contextlib.contextmanager
def connected(proxy: ChaosProxy) -> Iterator[socket.socket]:
    """A client of the proxy that is in its records."""
    count = len(proxy.records)
    with socket.create_connection((LOOPBACK, proxy.port), timeout=10) as client:
        wait_until(lambda: len(proxy.records) > count, "the connection")
        yield client


def receive(client: socket.socket, count: int = len(ANSWER)) -> bytes:
    """So many octets, or fewer if the end of the file comes before."""
    return b"".join(iter(partial(_some, client, [count]), b""))


def _some(client: socket.socket, left: list[int]) -> bytes:
    octets = client.recv(left[0]) if left[0] else b""
    left[0] -= len(octets)
    return octets


def test_without_a_fault_everything_passes_and_is_on_record(
    parrot: Parrot, proxy: ChaosProxy
) -> None:
    before = time.monotonic()
    with connected(proxy) as client:
        client.sendall(b"a1 LOGIN ann {6}\r\nsecret\r\na2 IDLE\r\n")
        assert receive(client, 3 * len(ANSWER)) == ANSWER * 3
        (standing,) = proxy.standing
    assert parrot.wait_for_end() == CLEAN
    wait_until(lambda: not proxy.standing, "the end on record")
    (record,) = proxy.records
    assert record is standing
    assert record.commands() == ["LOGIN ann {6}", "IDLE"]
    times = [at for at, _ in record.timed_commands()]
    assert record.closed is not None
    assert sorted(order := [before, record.opened, *times, record.closed]) == order
    assert bytes(record.server) == ANSWER * 3
    assert record.faults == []


def test_commands_are_on_record_with_their_own_times(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        for line in (b"a1 NOOP\r\n", b"a2 NOOP\r\n"):
            client.sendall(line)
            receive(client)
            between = time.monotonic()
    (first, _), (second, _) = proxy.records[0].timed_commands()
    assert first < second < between


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.HALF_CLOSE])
@pytest.mark.parametrize("after", [1, 1000, len(ANSWER)])
def test_a_cut_passes_exactly_so_many_octets_and_then_the_end(
    parrot: Parrot, proxy: ChaosProxy, kind: Kind, after: int
) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(kind, Way.TO_CLIENT, after))
        client.sendall(b"x\ny\n")
        assert receive(client) == ANSWER[:after]
        assert client.recv(1) == b""
    assert parrot.wait_for_end() == CLEAN
    assert bytes(proxy.records[0].server) == ANSWER[:after]
    assert [fault.kind for _, fault in proxy.records[0].faults] == [kind]


def test_a_cut_towards_the_server_keeps_what_comes_after_from_it(
    parrot: Parrot, proxy: ChaosProxy
) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(Kind.CUT, Way.TO_SERVER, 3))
        client.sendall(b"abcdef\n")
        assert receive(client) == b""
        assert parrot.wait_for_end() == CLEAN
    assert parrot.heard == b"abc"


def test_a_half_close_leaves_the_other_way_open(
    parrot: Parrot, proxy: ChaosProxy
) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(Kind.HALF_CLOSE, Way.TO_CLIENT))
        assert client.recv(1) == b""
        client.sendall(b"still here")
        wait_until(lambda: parrot.heard == b"still here", "the other way")
        assert parrot.ends == []
        assert len(proxy.standing) == 1
    assert parrot.wait_for_end() == CLEAN


def test_a_half_close_towards_the_server_lets_its_answer_through(
    parrot: Parrot, proxy: ChaosProxy
) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(Kind.HALF_CLOSE, Way.TO_SERVER, 2))
        client.sendall(b"x\nnever\n")
        assert receive(client, 2 * len(ANSWER)) == ANSWER
    assert parrot.wait_for_end() == CLEAN
    assert parrot.heard == b"x\n"


def test_a_reset_is_one_for_both_ends(parrot: Parrot, proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        client.sendall(b"x\n")
        receive(client)
        proxy.suffer(Fault(Kind.RESET))
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert parrot.wait_for_end() == RESET
        assert proxy.standing == []


def test_a_reset_in_the_middle_of_an_answer(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(Kind.RESET, Way.TO_CLIENT, 1000))
        client.sendall(b"x\n")
        with pytest.raises(ConnectionResetError):
            receive(client)
    assert bytes(proxy.records[0].server) == ANSWER[:1000]


def test_a_black_hole_swallows_both_ways_and_stands(
    parrot: Parrot, proxy: ChaosProxy
) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(Kind.BLACK_HOLE, Way.TO_CLIENT, 100))
        client.sendall(b"x\n")
        assert receive(client, 100) == ANSWER[:100]
        client.sendall(b"into the void\n")
        wait_until(lambda: b"void" in proxy.records[0].client, "what was said")
        proxy.suffer(None)  # it can't be undone
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert len(proxy.standing) == 1
    wait_until(lambda: not proxy.standing, "the client's end on record")
    assert parrot.heard == b"x\n"
    assert parrot.ends == []  # nobody told the server


def test_a_black_hole_can_end_by_a_reset(parrot: Parrot, proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(Kind.BLACK_HOLE, pause=0.05))
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert parrot.wait_for_end() == RESET


def test_a_drip_comes_octet_by_octet_and_loses_none(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(Kind.DRIP, Way.TO_CLIENT, 10, pause=0.01))
        client.sendall(b"x\n")
        pieces = [client.recv(4096) for _ in range(20)]
        proxy.suffer(None)
        start = b"".join(pieces)
        assert 10 < len(start) <= 60
        assert start + receive(client, len(ANSWER) - len(start)) == ANSWER


def test_a_delay_is_late_by_its_pause(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        proxy.suffer(Fault(Kind.DELAY, Way.TO_SERVER, pause=0.3))
        started = time.monotonic()
        client.sendall(b"x\n")
        assert receive(client) == ANSWER
        assert time.monotonic() - started >= 0.3


def test_a_fault_is_that_of_the_connections_that_are_named(proxy: ChaosProxy) -> None:
    with connected(proxy) as spared, connected(proxy) as cut:
        proxy.suffer(Fault(Kind.CUT), proxy.records[1])
        assert cut.recv(1) == b""
        spared.sendall(b"y\n")
        assert receive(spared) == ANSWER
        proxy.suffer(Fault(Kind.CUT))
        assert spared.recv(1) == b""


def test_a_plan_gives_each_new_connection_its_fault(parrot: Parrot) -> None:
    faults = iter([Fault(Kind.CUT, Way.TO_CLIENT, 5), None])
    with chaos_proxy(LOOPBACK, parrot.port, lambda: next(faults)) as proxy:
        for expected in (ANSWER[:5], ANSWER):
            with connected(proxy) as client:
                client.sendall(b"x\n")
                assert receive(client) == expected


def test_a_server_that_is_away_closes_the_connection() -> None:
    with socket.create_server((LOOPBACK, 0)) as away:
        port = away.getsockname()[1]
    with (
        chaos_proxy(LOOPBACK, port) as proxy,
        socket.create_connection((LOOPBACK, proxy.port), timeout=10) as client,
    ):
        assert client.recv(1) == b""


def test_a_proxy_stops_while_a_client_is_connected(parrot: Parrot) -> None:
    with contextlib.ExitStack() as stack:
        with chaos_proxy(LOOPBACK, parrot.port) as proxy:
            client = stack.enter_context(connected(proxy))
            client.sendall(b"x\n")
            receive(client)
        assert client.recv(1) == b""
