"""The reproducers against their Go twin (fixtures/lab/twin), which runs the real go-multistream v0.6.1.

Skipped without Go, or where its modules cannot be had. Times are compared by their order only.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers import FIXTURES
from stackscan.reproduce.close import Case, run_closes
from stackscan.reproduce.lazy import LazyClient
from stackscan.reproduce.loopback import Loopback
from stackscan.reproduce.peers import HOST, Kind
from stackscan.reproduce.pool import PoolSetup, run_pool
from stackscan.reproduce.wire import BITSWAP

_SECONDS = 60
#: Message sizes on both sides of the buffer, where one write becomes two.
_SIZES = [1, 4055, 4056, 8151, 8152, 300_000]


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twin, built once."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go here")
    built = tmp_path_factory.mktemp("twin") / "twin"
    source = FIXTURES / "lab" / "twin"
    done = subprocess.run(
        ["go", "build", "-o", str(built), "."], cwd=source, capture_output=True, text=True, check=False
    )
    if done.returncode and any(
        word in done.stderr.lower() for word in ("proxy", "download", "dial tcp", "requires go", "toolchain")
    ):
        pytest.skip("Go or its modules are out of reach: " + done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr  # on the first run Go says there what it downloads
    return built


def said(twin: Path, *arguments: str) -> dict[str, Any]:
    """The JSON of one of the twin's commands."""
    done = subprocess.run([str(twin), *arguments], capture_output=True, text=True, check=True, timeout=_SECONDS)
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


@contextmanager
def serving(twin: Path, kind: Kind) -> Iterator[tuple[tuple[str, int], list[bytes]]]:
    """A peer of the twin: where it is; afterwards, what its streams brought."""
    received: list[bytes] = []
    with subprocess.Popen(
        [str(twin), "serve", "--peer", kind.value, "--answer-after", "200ms"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        host, _, port = process.stdout.readline().strip().rpartition(":")
        try:
            yield (host, int(port)), received
        finally:
            process.stdin.close()
            rest = process.stdout.read()
            process.wait(_SECONDS)
    received += [bytes.fromhex(stream) for stream in json.loads(rest)["received"]]


@pytest.mark.parametrize("peer", list(Kind))
def test_both_write_the_same_bytes_and_come_to_the_same_end(twin: Path, peer: Kind) -> None:
    """Each with its own peer of this kind, with a deadline and without: what is written, and whether Close returns."""
    ours = run_closes([Case(peer, 0.2), Case(peer)], cap_seconds=0.6, answer_after_seconds=0.05).runs
    with_deadline = said(
        twin, "close", "--peer", peer, "--read-deadline", "200ms", "--cap", "10s", "--answer-after", "50ms"
    )
    without = said(twin, "close", "--peer", peer, "--cap", "400ms", "--answer-after", "50ms")
    for theirs, mine in zip((with_deadline, without), ours, strict=True):
        assert bytes.fromhex(theirs["first_write"]) == mine.writes[0]
        assert theirs["writes"] == [len(written) for written in mine.writes]
        assert (theirs["bytes_written"], theirs["returned"]) == (mine.bytes_written, mine.returned)
    held = peer in {Kind.SILENT, Kind.HALF_SILENT}
    assert (True, not held) == (ours[0].returned, ours[1].returned)
    if held:  # neither returned before its deadline
        assert min(ours[0].close_seconds, with_deadline["close_seconds"]) >= 0.2


@pytest.mark.parametrize("size", _SIZES)
def test_large_messages_leave_in_the_same_writes(twin: Path, size: int) -> None:
    """Below, at and above the size of Go's buffer: as many writes, of the same sizes, and the same bytes in all."""
    theirs = said(twin, "close", "--peer", "answering", "--payload-bytes", str(size))
    with Loopback([Kind.ANSWERING]) as net:
        stream = net.connect(Kind.ANSWERING)
        client = LazyClient(stream, BITSWAP, go=net.go)
        assert size == client.write(b"x" * size)
        client.close()
        assert (None, theirs["writes"]) == (client.handshake_error, [len(written) for written in stream.writes])
        assert bytes.fromhex(theirs["first_write"]) == stream.writes[0]


@pytest.mark.parametrize("peer", [Kind.ANSWERING, Kind.REFUSING, Kind.SLOW, Kind.CLOSING, Kind.RESETTING])
def test_our_client_negotiates_with_the_real_server(twin: Path, peer: Kind) -> None:
    """Our first write is understood by the real MultistreamMuxer, and its answer by our Close."""
    with serving(twin, peer) as (address, received), Loopback(()) as net:
        stream = net.connect_to(address)
        client = LazyClient(stream, BITSWAP, go=net.go)
        client.write(b"PAYLOAD")
        client.close()
        failed = client.handshake_error is not None
    assert (peer not in {Kind.ANSWERING, Kind.SLOW}) == failed
    assert [b"".join(stream.writes)] == received


@pytest.mark.parametrize("peer", [Kind.ANSWERING, Kind.REFUSING, Kind.SLOW, Kind.CLOSING, Kind.RESETTING, Kind.SILENT])
def test_the_real_client_negotiates_with_our_peers(twin: Path, peer: Kind) -> None:
    """The real lazyClientConn gets the same from our peers as from its own, and they receive all that it writes."""
    with Loopback([peer], answer_after_seconds=0.05, keep_bytes=1 << 20) as net:
        host, port = net.peers.address(peer)
        assert HOST == host
        done = said(twin, "close", "--peer", peer, "--address", f"{host}:{port}", "--read-deadline", "300ms")
        assert done["returned"]
        (received,) = net.peers.received.values()
        assert bytes.fromhex(done["first_write"]) == received
    assert (peer is Kind.SILENT) == (done["close_seconds"] >= 0.3)


def test_both_pools_do_as_many_tasks_of_the_same_draw(twin: Path) -> None:
    """The issue's 18 silent tasks of 200, with smaller times: 194 synchronously and all detached, in both languages."""
    silent = range(9, 180, 10)
    theirs = said(
        twin, "pool", "--silent", ",".join(map(str, silent)), "--close-deadline", "800ms", "--budget", "1400ms"
    )
    ours = run_pool(PoolSetup(tuple(task in silent for task in range(200)), 12, 0.8, 1.4))
    for name, run in (("synchronous", ours.synchronous), ("detached", ours.detached)):
        assert run is not None
        assert (theirs[name]["completed"], theirs[name]["ended"]) == (run.completed, run.ended.value)
        closes = theirs[name]["silent_closes"]
        assert (closes["begun"], closes["still_open"]) == (run.silent_closes.begun, run.silent_closes.still_open)
        assert closes["begun"] == closes["worker-reads"] + closes["companion-reads"]
    assert (194, 200) == (theirs["synchronous"]["completed"], theirs["detached"]["completed"])
    assert theirs["throughput_ratio"] > 1
