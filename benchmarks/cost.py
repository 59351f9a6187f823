"""What a request for its goroutines costs a Go process: pauses, processor time, bytes, seconds; in Markdown.

    python benchmarks/cost.py [--rounds 9] [--goroutines 1000 10000 100000]

Needs Go. Builds fixtures/programs/bigserver with the tag `watched`: a server with that many goroutines in about seventy
stacks, which serves its profiles on loopback and measures itself. Each round asks for each form once. `late` is by how
much a goroutine that sleeps a millisecond woke too late at worst (what a request to the program notices), `stopped` for
how long the world was stopped in all. The row `nothing` is the same time without a request: the noise of the machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).resolve().parent.parent / "fixtures" / "programs"
FORMS = {
    "nothing": None,
    "debug=0 (protobuf)": "/debug/pprof/goroutine?debug=0",
    "debug=1 (counts)": "/debug/pprof/goroutine?debug=1",
    "debug=2 (full text)": "/debug/pprof/goroutine?debug=2",
}
#: Seconds that the program gets to make its goroutines, and those between two requests.
STARTED_SECONDS, BETWEEN_SECONDS = 120.0, 0.3


@dataclass(frozen=True)
class Cost:
    """One request: what the program measured, and what its client saw."""

    goroutines: int
    late_seconds: float
    cpu_seconds: float
    stops: int
    stopped_seconds: float
    longest_stop_seconds: float
    sent_bytes: int
    seconds: float


@contextmanager
def program(binary: Path, goroutines: int) -> Iterator[str]:
    """Its address, once it has its goroutines."""
    words = [str(binary), "-age", "1h", str(goroutines)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None  # noqa: S101
            address = process.stderr.readline().strip()
            settle(address, goroutines)
            yield address
        finally:
            process.kill()


def settle(address: str, goroutines: int) -> None:
    """Wait until there are enough goroutines, and no more come."""
    before, until = -1, time.monotonic() + STARTED_SECONDS
    while time.monotonic() < until:
        now = measured(address)["goroutines"]
        if now == before >= 0.9 * goroutines:
            return
        before = now
        time.sleep(2)
    raise SystemExit(f"{address} has {before:,} goroutines after {STARTED_SECONDS:g} s, not {goroutines:,}")


def get(address: str, path: str) -> bytes:
    """The body of an answer."""
    connection = http.client.HTTPConnection(address, timeout=300)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def measured(address: str, path: str | None = None) -> dict[str, Any]:
    """What the program says of the time of a request (None: of a moment without)."""
    get(address, "/begin")
    if path is None:
        time.sleep(0.1)
    else:
        get(address, path)
    found: dict[str, Any] = json.loads(get(address, "/end"))
    return found


def ask(address: str, path: str | None) -> Cost:
    """Ask once."""
    get(address, "/begin")
    began = time.monotonic()
    body = b"" if path is None else get(address, path)
    seconds = time.monotonic() - began
    if path is None:
        time.sleep(0.1)
    values = json.loads(get(address, "/end"))
    return Cost(**values, sent_bytes=len(body), seconds=seconds)


def row(form: str, asked: list[Cost]) -> str:
    """A line of the table: medians, and the worst of what interrupts the program."""
    late, stopped = [one.late_seconds for one in asked], [one.stopped_seconds for one in asked]
    middle = statistics.median
    cells = (
        f"{asked[0].goroutines:,}",
        form,
        f"{1e3 * middle(stopped):.2f} ({1e3 * max(stopped):.2f})",
        f"{middle(one.stops for one in asked):g}",
        f"{1e3 * middle(late):.1f} ({1e3 * max(late):.1f})",
        f"{1e3 * middle(one.cpu_seconds for one in asked):,.0f}",
        f"{middle(one.sent_bytes for one in asked) / 1e6:,.2f}",
        f"{middle(one.seconds for one in asked):.3f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--goroutines", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    chosen = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a tenth of its goroutines are of connections
    print("| goroutines | asked for | stopped, ms | stops | late, ms | CPU, ms | sent, MB | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        binary = Path(home) / "watched"
        subprocess.run(["go", "build", "-tags", "watched", "-o", binary, "./bigserver"], cwd=PROGRAMS, check=True)
        for goroutines in chosen.goroutines:
            found: dict[str, list[Cost]] = {form: [] for form in FORMS}
            with program(binary, goroutines) as address:
                for _ in range(chosen.rounds):
                    for form, path in FORMS.items():
                        time.sleep(BETWEEN_SECONDS)
                        found[form].append(ask(address, path))
            for form, asked in found.items():
                print(row(form, asked), flush=True)


if __name__ == "__main__":
    main()
