"""Kills a watching process with SIGKILL at random moments, and says what of its captures is left.

    .venv/bin/python benchmarks/live_kills.py [--kills 50] [--seed 1]

A server on loopback answers with recorded goroutines of a small program. A process watches it, as eight processes, at
a short interval, and keeps each answer in one folder, the same for all runs, within narrow bounds: files are written,
named and removed all the time. After each kill every capture in the folder is read; then the next run takes over. At
the end one run ends as asked: no part of a file may be left, and no more files than the bounds allow.
`live_kills.py run ADDRESS FOLDER` is the process that is killed.
"""

from __future__ import annotations

import argparse
import gzip
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from stackscan.errors import StackscanError
from stackscan.knowledge.configuration import shipped
from stackscan.live.keep import Keep
from stackscan.live.kept import Bounds
from stackscan.live.target import Target
from stackscan.live.watch import News, Settings, Watch
from stackscan.pipeline import Options, scan

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "growth" / "leak"
BOUNDS = Bounds(count=8, size_bytes=1 << 20, age=timedelta(days=1))
INTERVAL_SECONDS = 0.02
PROCESSES = 8


@contextmanager
def process_on_loopback() -> Iterator[str]:
    """The address of a server that answers with the captures of a leaking program, one after the other."""
    bodies = {
        debug: [path.read_bytes() for path in sorted(FIXTURES.glob(f"debug{debug}-*"))] for debug in ("0", "1", "2")
    }
    bodies = {debug: [*map(plain, found)] if debug != "0" else found for debug, found in bodies.items()}
    asked: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            debug = parse_qs(urlsplit(self.path).query).get("debug", ["0"])[0]
            asked[debug] += 1
            body = bodies[debug][asked[debug] // 10 % len(bodies[debug])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed client hears nothing
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def plain(body: bytes) -> bytes:
    """The text of a compressed file."""
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def run(address: str, folder: Path) -> None:
    """Watch and keep, until SIGTERM."""
    keep = Keep(folder, lambda *told: print(*told, file=sys.stderr), BOUNDS)

    targets = [Target.parse(f"{address}/{number}/debug/pprof") for number in range(PROCESSES)]

    def tell(news: News) -> None:
        keep.take(news)
        if news.history.polls == 1:
            print("watching", flush=True)

    watch = Watch(targets, Settings(INTERVAL_SECONDS, full_every=2), Options(shipped()), tell)
    signal.signal(signal.SIGTERM, lambda *_: watch.stop.set())
    watch.start()
    watch.stop.wait()
    keep.close(5)


def captures(folder: Path) -> list[Path]:
    """The files that a user sees."""
    return sorted(path for path in folder.rglob("goroutines-*") if path.is_file())


def hidden(folder: Path) -> list[Path]:
    """The files under way."""
    return sorted(folder.rglob(".stackscan-part-*"))


def unreadable(paths: list[Path]) -> list[str]:
    """Those that cannot be read, or say that they are not whole."""
    wrong = []
    for path in paths:
        try:
            (found,) = scan([str(path)]).snapshots
        except StackscanError as error:
            wrong.append(str(error))
        else:
            wrong += [] if found.complete and found.goroutines else [f"{path} is not whole"]
    return wrong


def killed(kills: int, draw: random.Random, folder: Path) -> Iterator[tuple[int, int, list[str]]]:
    """After each kill: captures that are there, files under way, and what is wrong with captures."""
    with process_on_loopback() as address:
        for number in range(kills + 1):
            words = [sys.executable, __file__, "run", address, str(folder)]
            with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None  # noqa: S101
                process.stdout.readline()
                time.sleep(draw.uniform(0.0, 0.6))
                process.send_signal(signal.SIGTERM if number == kills else signal.SIGKILL)
                process.wait(timeout=30)
            found = captures(folder)
            yield len(found), len(hidden(folder)), unreadable(found)


def main() -> None:
    """Kill and look, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "kept"
        seen = list(killed(chosen.kills, random.Random(chosen.seed), folder))  # noqa: S311
        indexes = len(list(folder.glob(".stackscan-kept-*")))
    wrong = [each for _, _, problems in seen for each in problems]
    print(f"kills:                          {chosen.kills}")
    print(f"captures read after them:       {sum(count for count, _, _ in seen[:-1]):,}")
    print(f"kills amid the writing:         {sum(parts > 0 for _, parts, _ in seen[:-1])}")
    print(f"captures that are not whole:    {len(wrong)}")
    print(f"left by the last run, which was not killed: {seen[-1][0]} captures, {seen[-1][1]} parts, {indexes} index")
    print(*wrong, sep="\n", end="")
    sys.exit(bool(wrong) or seen[-1][0] > PROCESSES * BOUNDS.count or seen[-1][1] > 0 or indexes != 1)


if __name__ == "__main__":
    run(sys.argv[2], Path(sys.argv[3])) if sys.argv[1:2] == ["run"] else main()
