"""Watches many processes for minutes: CPU and memory of the watcher, and whether each was asked in time.

    python benchmarks/watch.py [--targets 200] [--interval 5] [--minutes 10] [--broken 10]
    python benchmarks/watch.py --polls 10000

A server on loopback plays the processes with recorded answers of kubo: most are quiet, a fifth are stalled, so that
their full text is asked for each time. The broken ones never answer, refuse, send garbage, send without an end (8 MB
a second, or one byte a second), or break off. The server keeps when each was asked: an interval is missed where two
requests to a healthy process are more than 1.5 intervals apart. CPU is that of the watching process, memory what it
holds in RAM, both read from /proc (Linux) each ten seconds.

With ``--polls``, one process is asked so many times without a network, and memory is read in between.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FIXTURES: Final = ROOT / "fixtures" / "kubo"
QUIET: Final = ("v0.41.0-quiet", "v0.40.1-quiet", "v0.40.1-busy")
STALLED: Final = ("v0.40.1-stalled-tcp", "v0.40.1-stalled-quic")
BROKEN: Final = ("silent", "refused", "garbage", "endless", "drip", "broken", "silent", "refused", "garbage", "endless")
_PIECE: Final = 256 << 10
_BYTES_PER_SECOND: Final = 8 << 20
#: Seconds after which requests are judged: the program starts, and spreads its requests over the first interval.
_WARM_SECONDS: Final = 20.0


def recorded(folder: str) -> dict[str, list[bytes]]:
    """The answers of a recorded process by ``debug=``, in the order in which they were given."""
    return {
        str(debug): [gzip.decompress(path.read_bytes()) if debug else path.read_bytes() for path in sorted(found)]
        for debug in (0, 1, 2)
        if (found := list((FIXTURES / folder).glob(f"goroutine.debug{debug}-*")))
    }


# -- the processes ---------------------------------------------------------------------------------------------------


class Processes:
    """Plays processes: ``/NAME/debug/pprof/goroutine``; the kind is the first part of a name (``quiet-17``)."""

    def __init__(self) -> None:
        self._answers = {"quiet": [recorded(each) for each in QUIET], "stalled": [recorded(each) for each in STALLED]}
        self._turn: defaultdict[str, itertools.count[int]] = defaultdict(itertools.count)
        self.asked: defaultdict[str, list[float]] = defaultdict(list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            name, debug = path.split("/")[1], path.rpartition("debug=")[2]
            self.asked[name].append(time.monotonic())
            await self._answer(name, debug, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, name: str, debug: str, writer: asyncio.StreamWriter) -> None:
        kind, _, number = name.partition("-")
        if kind in self._answers:
            answers = self._answers[kind][int(number) % len(self._answers[kind])][debug]
            body = answers[next(self._turn[name]) % len(answers)]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            return
        if kind == "silent":
            await asyncio.sleep(3600)
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 100000\r\n\r\nhalf" if kind == "broken" else b"\r\n"))
        if kind == "garbage":
            writer.write(os.urandom(100_000))
        while kind in ("endless", "drip"):
            piece = os.urandom(_PIECE) if kind == "endless" else b"g"
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(len(piece) / _BYTES_PER_SECOND if kind == "endless" else 1.0)
        await writer.drain()


async def serve(port: int, processes: Processes) -> None:
    """Play processes until standard input ends."""
    server = await asyncio.start_server(processes.serve, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def play(log: Path) -> None:
    """Play processes, then write when each was asked."""
    processes = Processes()
    try:
        asyncio.run(serve(0, processes))
    finally:
        log.write_text(json.dumps(processes.asked), encoding="utf-8")


# -- the watcher -----------------------------------------------------------------------------------------------------


def addresses(port: int, count: int, broken: int) -> list[str]:
    """The processes to watch; the refusing ones are on a port that nobody has."""
    healthy = [f"stalled-{n}" if n % 5 == 0 else f"quiet-{n}" for n in range(count - broken)]
    names = [*healthy, *(f"{BROKEN[n % len(BROKEN)]}-{n}" for n in range(broken))]
    return [f"http://127.0.0.1:{1 if name.startswith('refused') else port}/{name}/debug/pprof" for name in names]


def cpu_and_memory(pid: int) -> tuple[float, float]:
    """Seconds of CPU so far, and MiB in RAM."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds, int(fields[21]) * resource.getpagesize() / (1 << 20)


def watch(options: argparse.Namespace, folder: Path) -> bool:
    """Watch for so many minutes, and print what it took; whether no interval was missed."""
    log = folder / "asked.json"
    served = [sys.executable, __file__, "--serve", str(log)]
    with subprocess.Popen(served, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline() if server.stdout else 0)
        listed = folder / "processes.txt"
        listed.write_text("\n".join(addresses(port, options.targets, options.broken)), encoding="utf-8")
        command = [sys.executable, "-m", "stackscan", "watch", "--interval", f"{options.interval}s", f"@{listed}"]
        with (
            (folder / "out").open("wb") as out,
            subprocess.Popen([*command, *options.more], cwd=ROOT, stdout=out) as watcher,
        ):
            _measure(watcher.pid, options.minutes * 60)
            began = time.monotonic()
            watcher.terminate()
            code = watcher.wait(10)
            print(f"\nended by SIGTERM after {time.monotonic() - began:.2f} s with exit code {code}")
        server.communicate("")
    lines = (folder / "out").read_bytes().splitlines()
    print(f"{len(lines):,} lines written, all whole: {all(json.loads(line) for line in lines)}")
    return _judge(json.loads(log.read_text(encoding="utf-8")), options)


def _measure(pid: int, seconds: float) -> None:
    print("| minute | cores | MiB |\n|---|---|---|")
    end, last = time.monotonic() + seconds, (time.monotonic(), cpu_and_memory(pid)[0])
    total = last
    while time.monotonic() < end:
        time.sleep(min(10.0, max(end - time.monotonic(), 0.1)))
        at, (cpu, memory) = time.monotonic(), cpu_and_memory(pid)
        print(f"| {(at - total[0]) / 60:.1f} | {(cpu - last[1]) / (at - last[0]):.2f} | {memory:.0f} |", flush=True)
        last = at, cpu
    print(f"\nall: {(last[1] - total[1]) / (last[0] - total[0]):.2f} cores")


def _judge(asked: dict[str, list[float]], options: argparse.Namespace) -> bool:
    """Whether each healthy process was asked in each interval; prints the gaps."""
    gaps: list[float] = []
    late_at: list[float] = []
    first = min(min(times) for times in asked.values())
    for name, times in asked.items():
        if name.startswith(("quiet", "stalled")):
            starts = [
                at for place, at in enumerate(times) if place == 0 or at - times[place - 1] > 0.3 * options.interval
            ]
            gaps += [b - a for a, b in itertools.pairwise(starts) if a - first > _WARM_SECONDS]
            late_at += [
                b for a, b in itertools.pairwise(starts) if b - a > 1.5 * options.interval and a - first > _WARM_SECONDS
            ]
    gaps.sort()
    missed = len(late_at)
    middle, late = gaps[len(gaps) // 2], gaps[int(len(gaps) * 0.999)]
    told = f"median {middle:.2f} s, 99.9 % {late:.2f} s, longest {gaps[-1]:.2f} s"
    print(f"{len(gaps):,} intervals of healthy processes: {told}")
    minutes = Counter(int((at - first) // 60) for at in late_at)
    print(
        f"missed (more than 1.5 intervals): {missed}"
        + (f", by minute: {dict(sorted(minutes.items()))}" if minutes else "")
    )
    broken = {name: len(times) for name, times in sorted(asked.items()) if name.partition("-")[0] in BROKEN}
    print(f"requests to the broken ones: {broken}")
    return missed == 0


def polls(count: int) -> bool:
    """Ask one process so many times, with answers from memory; memory must not grow."""
    sys.path.insert(0, str(ROOT))
    from stackscan.knowledge.configuration import shipped
    from stackscan.live import poll
    from stackscan.live import watch as watching
    from stackscan.live.target import Target
    from stackscan.pipeline import Options

    answers = [recorded("v0.41.0-quiet"), recorded("v0.40.1-stalled-tcp"), recorded("v0.41.0-fixed-tcp")]
    turn = itertools.count()

    def ask(_: Target, depth: str) -> poll.Answer:
        at = next(turn)
        found = answers[at // 50 % len(answers)][{"profile": "0", "counts": "1", "full": "2"}[depth]]
        return poll.Answer(found[at % len(found)], datetime.now(UTC), 0.01, None)

    watching.ask = ask
    watch = watching.Watch([Target.parse("http://127.0.0.1:1")], watching.Settings(10.0), Options(shipped()), print_no)
    sizes = []
    print("| polls | MiB |\n|---|---|")
    for number in range(1, count + 1):
        watch.watchers[0].once()
        if number % (count // 10) == 0:
            sizes.append(cpu_and_memory(os.getpid())[1])
            print(f"| {number:,} | {sizes[-1]:.1f} |", flush=True)
    print(f"\ngrowth from the fifth tenth to the last: {sizes[-1] - sizes[4]:+.1f} MiB")
    return sizes[-1] - sizes[4] < 2


def print_no(_: object) -> None:
    """Nobody is told."""


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--broken", type=int, default=10)
    parser.add_argument("--interval", type=float, default=5.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--polls", type=int, default=0)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("more", nargs="*", help="further options of stackscan watch, behind --")
    options = parser.parse_args()
    if options.serve:
        play(options.serve)
        return
    if options.polls:
        sys.exit(0 if polls(options.polls) else 1)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if watch(options, Path(folder)) else 1)


if __name__ == "__main__":
    main()
