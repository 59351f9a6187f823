"""Measures `stackscan fleet`: does the answer name what was planted, and nothing else, and how fast?

    python benchmarks/fleet.py [--captures 1000] [--seed 1] [--jobs N | --dask ADDRESS] [--keep FOLDER] [--s3 URL]

The captures are made of real ones in fixtures/: 40 services on 250 hosts with two versions, every other service as
protobuf, the others as full text, each host ten minutes after ten minutes. The size of each group of equal goroutines
varies from host to host and from capture to capture (Poisson). Six faults are planted: three leaks (on all hosts of a
service since its second version, on three hosts, on two hosts as protobuf), one host that differs from its siblings,
one saturated pool, and 1 % of the captures cut or garbage.

Precision is the share of what the answer has above info (findings, odd hosts, pools near saturation, unreadable
captures) that was planted; recall is the share of the six faults that it names. Captures per second and the peak of
memory (of the largest process) are of the whole command, rules and imports included. With ``--s3`` the captures are
also put into a bucket (tests/s3server.py can serve one), read from there, and both answers compared.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from stackscan.formats.goroutine_pprof import schema

ROOT: Final = Path(__file__).resolve().parent.parent
_KUBO: Final = ROOT / "fixtures" / "kubo"
_LEAK: Final = ROOT / "fixtures" / "growth" / "leak"
_QUIET: Final = _KUBO / "v0.41.0-quiet"
_STALLED: Final = _KUBO / "v0.41.0-boxo-v0.38.0-stalled-tcp"
_SERVICES, _HOSTS = 40, 250
_START: Final = datetime(2026, 4, 22, 10, tzinfo=UTC)
_EVERY: Final = timedelta(minutes=10)
PATTERN: Final = "{service}/{version}/{host}/{time:%Y%m%dT%H%M%SZ}.*"
#: Groups of fewer goroutines are parts of the program that do not vary.
_VARIES: Final = 5
_DAMAGED: Final = 0.01

# The planted faults, by service. Services of even number are full text.
_LEAK_OF_ALL, _LEAK_OF_SOME, _LEAK_AS_COUNTS, _ODD, _SATURATED = 4, 10, 7, 16, 22


@dataclass(frozen=True)
class Group:
    """Equal goroutines of a real dump: how many, and one of them."""

    count: int
    head: str  # what follows the id: `[select, 3 minutes]:`
    body: str


@dataclass(frozen=True)
class Host:
    """One host of a service, and how busy it is."""

    service: int
    number: int
    load: float

    @property
    def name(self) -> str:
        """As the path names it."""
        return f"s{self.service:02}-h{self.number}"


def groups(path: Path) -> list[Group]:
    """The goroutines of a full text, equal ones together."""
    found: dict[tuple[str, str], list[str]] = {}
    for block in gzip.decompress(path.read_bytes()).decode().split("\n\n"):
        head, _, body = block.strip("\n").partition("\n")
        match = re.match(r"goroutine \d+ (\[([^],]*).*)", head)
        if match is not None:
            key = match[2], re.sub(r"0x[0-9a-f]+\??|\+0x[0-9a-f]+|in goroutine \d+|\{|\}|, ", "", body)
            found.setdefault(key, []).append(f"{match[1]}\n{body}")
    return [Group(len(same), *same[0].split("\n", 1)) for same in found.values()]


def poisson(mean: float, chance: random.Random) -> int:
    """A draw; normal for large means."""
    return max(0, round(chance.gauss(mean, mean**0.5)))


def text(parts: Iterable[tuple[Group, int]], chance: random.Random) -> bytes:
    """A full text of so many goroutines of each group."""
    number, lines = chance.randrange(1, 50), []
    for group, count in parts:
        for _ in range(count):
            number += chance.randrange(1, 9)
            lines.append(f"goroutine {number} {group.head}\n{group.body}\n")
    return gzip.compress("\n".join(lines).encode(), compresslevel=1, mtime=0)


def varied(found: Sequence[Group], load: float, chance: random.Random) -> list[tuple[Group, int]]:
    """The groups of a program on a host that is so busy."""
    return [(one, one.count if one.count < _VARIES else poisson(one.count * load, chance)) for one in found]


def profile(raw: bytes, load: float, leaked: int, when: datetime, chance: random.Random) -> bytes:
    """A protobuf profile with other counts; ``leaked`` goroutines more where ``main.answer`` is."""
    parsed = schema.parse(gzip.decompress(raw))
    names = {one.id: parsed.string_table[one.name] for one in parsed.function}
    leaky = {one.id for one in parsed.location for line in one.line if names.get(line.function_id) == b"main.answer"}
    for sample in parsed.sample:
        count = sample.value[0]
        varies = count >= _VARIES and not leaky & set(sample.location_id)
        sample.value[0] = max(1, poisson(count * load, chance)) if varies else count
        if leaky & set(sample.location_id):
            sample.value[0] = 20 + leaked
    parsed.time_nanos = int(when.timestamp()) * 10**9
    return gzip.compress(parsed.SerializeToString(), compresslevel=1, mtime=0)


class Makes:
    """Makes the captures."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.quiet = groups(_QUIET / "goroutine.debug2-01.txt.gz")
        self.stalled = groups(_STALLED / "goroutine.debug2-01.txt.gz")
        leak = groups(_LEAK / "debug2-04.txt.gz")
        self.leaky = max((one for one in leak if "main." in one.body), key=lambda one: one.count)
        self.counts = (_QUIET / "goroutine.debug0-01.pb.gz").read_bytes()
        self.counts_leaky = (_LEAK / "debug0-01.pb.gz").read_bytes()
        self.hosts = [Host(n % _SERVICES, n // _SERVICES, self.chance.uniform(0.7, 1.3)) for n in range(_HOSTS)]

    def capture(self, host: Host, step: int, steps: int) -> tuple[str, bytes]:
        """The path and the content of one capture."""
        when = _START + step * _EVERY
        second = step >= max(1, steps // 4)
        leaked = max(0, step - max(1, steps // 4) + 1) * 25 if second else 0
        if host.service % 2:
            is_leaky = host.service == _LEAK_AS_COUNTS
            raw = self.counts_leaky if is_leaky else self.counts
            content = profile(raw, host.load, leaked if is_leaky and host.number < 2 else 0, when, self.chance)
            ending = "pb.gz"
        else:
            content, ending = text(self._parts(host, leaked, step), self.chance), "txt.gz"
        version = "v1.1.0" if second else "v1.0.0"
        return f"service-{host.service:02}/{version}/{host.name}/{when:%Y%m%dT%H%M%SZ}.{ending}", content

    def _parts(self, host: Host, leaked: int, step: int) -> list[tuple[Group, int]]:
        saturated = host.service == _SATURATED and host.number == 1
        parts = varied(self.stalled if saturated else self.quiet, 1.0 if saturated else host.load, self.chance)
        if host.service == _LEAK_OF_ALL or (host.service == _LEAK_OF_SOME and host.number < 3):
            name = "billing" if host.service == _LEAK_OF_ALL else "search"
            body = self.leaky.body.replace("main.", f"example.com/{name}/queue.")
            minutes = max(1, step * 10)
            parts.append((Group(0, f"[chan receive, {minutes} minutes]:", body), leaked))
        if host.service == _ODD and host.number == 2:
            body = self.leaky.body.replace("main.", "example.com/mail/smtp.")
            parts.append((Group(0, "[IO wait]:", body), poisson(60, self.chance)))
        return parts

    def damaged(self, content: bytes) -> bytes:
        """Garbage, or nothing, or the first bytes of a capture."""
        kind = self.chance.randrange(3)
        return (
            self.chance.randbytes(2000) if kind == 0 else b"" if kind == 1 else content[: self.chance.randrange(4, 9)]
        )


def make(folder: Path, captures: int, seed: int) -> set[str]:
    """Make the captures; the paths of those that are damaged."""
    makes = Makes(seed)
    steps = -(-captures // _HOSTS)
    spoiled: set[str] = set()
    made = 0
    for step in range(steps):
        for host in makes.hosts[: captures - made]:
            path, content = makes.capture(host, step, steps)
            if makes.chance.random() < _DAMAGED:
                content = makes.damaged(content)
                spoiled.add(path)
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            made += 1
    return spoiled


def judge(answer: dict[str, Any], spoiled: set[str], folder: Path) -> tuple[dict[str, bool], list[str], int]:
    """Which faults are named, what is named that is none, and how many things are named in all."""
    named = dict.fromkeys(
        ("leak on all hosts", "leak on some", "leak in counts", "odd host", "pool", "unreadable"), False
    )
    false: list[str] = []
    findings = [one for one in answer["findings"] if one["severity"] != "info"]
    for one in findings:
        place, services = one["place"] or "", one["services"]
        if "billing/queue" in place and len(one["hosts"]) > 3:
            named["leak on all hosts"] = True
        elif "search/queue" in place and 1 < len(one["hosts"]) <= 3:
            named["leak on some"] = True
        elif place == "main.answer" and 0 < one["trend"]["growing"] <= 2:
            named["leak in counts"] = True
        elif services == [f"service-{_SATURATED:02}"] and one["hosts"] == [f"s{_SATURATED}-h1"]:
            pass  # the stall that fills the pool
        else:
            false.append(f"finding {one['severity']} {one['rule'] or one['cause']} {place} on {one['hosts_hit']} hosts")
    for one in answer["odd_hosts"]:
        if one["host"] == f"s{_ODD}-h2" and "smtp" in one["reason"]:
            named["odd host"] = True
        else:
            false.append(f"odd host {one['host']}: {one['reason']}")
    near = [pool for pool in answer["pools"] if pool["near_saturation"]]
    for pool in near:
        hosts = [one["host"] for one in pool["near_saturation"]]
        if hosts == [f"s{_SATURATED}-h1"]:
            named["pool"] = True
        else:
            false.append(f"pool {pool['pool']} near saturation on {hosts}")
    unreadable = {str(Path(one["capture"]).relative_to(folder)) for one in answer["unreadable"]}
    named["unreadable"] = unreadable == spoiled
    false += [f"unreadable {name}" for name in sorted(unreadable - spoiled)]
    return named, false, len(findings) + len(answer["odd_hosts"]) + len(near) + len(unreadable)


def put(folder: Path, address: str) -> None:
    """Put the captures into a bucket; credentials and endpoint are those of the environment."""
    from obstore.store import from_url

    allowed = os.environ.get("AWS_ALLOW_HTTP") == "true"
    store = from_url(address, client_options={"allow_http": allowed})
    paths = [path for path in folder.rglob("*") if path.is_file()]
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda path: store.put(path.relative_to(folder).as_posix(), path.read_bytes()), paths):
            pass


def measure(folder: Path | str, jobs: int | None, dask: str | None) -> tuple[dict[str, Any], float, float]:
    """The answer, its seconds, and the peak of memory in MB of the largest process."""
    command = [sys.executable, "-m", "stackscan", "fleet", "--pattern", PATTERN, "--format", "json", str(folder)]
    command += [] if jobs is None else ["--jobs", str(jobs)]
    command += [] if dask is None else ["--dask", dask]
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"stackscan ended with {process.returncode}")
        out.seek(0)
        return json.load(out), seconds, used.ru_maxrss / 1024


def report(folder: Path, options: argparse.Namespace) -> None:
    """Make, measure, judge, print."""
    began = time.perf_counter()
    spoiled = make(folder, options.captures, options.seed)
    size = sum(path.stat().st_size for path in folder.rglob("*.gz")) / 1e6
    print(f"{options.captures:,} captures of {size:,.0f} MB made in {time.perf_counter() - began:.0f} s")
    answer, seconds, peak = measure(folder, options.jobs, options.dask)
    named, false, everything = judge(answer, spoiled, folder)
    print(f"{options.captures / seconds:.0f} captures a second ({seconds:.1f} s), peak memory {peak:.0f} MB")
    if options.s3:
        put(folder, options.s3)
        stored, stored_seconds, peak = measure(options.s3, options.jobs, options.dask)
        same = json.loads(json.dumps(stored).replace(options.s3.rstrip("/"), str(folder))) == answer
        rate = options.captures / stored_seconds
        print(f"{rate:.0f} captures a second ({stored_seconds:.1f} s) of S3, peak memory {peak:.0f} MB, ", end="")
        print(
            f"{seconds / stored_seconds:.2f} of the speed of files; the answer is {'the same' if same else 'ANOTHER'}"
        )
    print(f"precision {1 - len(false) / max(everything, 1):.3f}, recall {sum(named.values())} of {len(named)}")
    for name, found in named.items():
        print(f"  {'named' if found else 'MISSED'}: {name}")
    for each in false:
        print(f"  not planted: {each}")


def main() -> None:
    """Read the options."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--captures", type=int, default=1000)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--jobs", type=int)
    reader.add_argument("--dask", help="local:N or the address of a scheduler")
    reader.add_argument("--keep", type=Path)
    reader.add_argument("--s3")
    options = reader.parse_args()
    if options.keep is not None:
        report(options.keep, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        report(Path(folder), options)


if __name__ == "__main__":
    main()
