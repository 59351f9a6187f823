"""What the fuzzer starts from: real dumps of the fixtures, cut to a size that it can change quickly."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
from backports import zstd

from stackscan.export.tables.schema import TABLES

FIXTURES: Final = Path(__file__).resolve().parent.parent / "fixtures"
#: Bytes of a seed: small ones are run more often.
MOST_BYTES: Final = 4096
_PER_PATTERN: Final = 60
_HEADER: Final = re.compile(rb"(?m)^goroutine \d+ ")

#: Literals of the formats that are long to guess.
WORDS: Final = (
    "goroutine ", " [select]:", " [running]:", "created by ", " in goroutine ", "\n\n", "\n\t", ".go:", " +0x1d",
    "...additional frames elided...", "...12 frames elided...", "[originating from goroutine 1]:", "(leaked)",
    ", locked to thread", ", 3 minutes", "] {a: b}:", " gp=0xc000 m=0 mp=0xc001", "runtime stack:", "panic: ",
    "goroutine running on other thread; stack unavailable", "non-Go function at pc=0x1", " fp=0x1 sp=0x2 pc=0x3",
    "goroutine profile: total 2", " @ 0x47", "# labels: {", "#\t0x47", "--- mutex:", "--- contention:",
    "cycles/second=", "sampling period=", "\r\n", "#011", "#012", "\\n\\t", "\x1b[31m", "\xff\xfe",
    "* Goroutine ", " - User: ", "0  0x000000000047f68e in ",
    "(truncated)", "[2 goroutines]", "Total: 7", "(dlv) ", '{"Goroutines":[', '{"Locations":[', '"userCurrentLoc":{',
    '"waitReason":', " 820 times: [[", "48 goroutines [select]:", " [Created by main.main @ main.go:1]",
    "[snip]", "... 3 more frames", " \xe2\x86\x90 ", " -> ", " (x.go:12)", " at x.go:12", "NNNN",
    " \xe5\x88\x86\xe9\x92\x9f", "- `", "<-- HERE",
    "WARNING: DATA RACE\n", "==================\n", "Previous write at 0x1 by goroutine 7:\n", "by main goroutine:",
    "Goroutine 7 (running) created at:\n", "[failed to restore the stack]", "[Goroutine 7 in state select, with ",
    " on top of the stack:\n", "Leaked goroutine: goroutine 7 [select]:\n", "POTENTIAL DEADLOCK:", " lock 0x1",
    "happened before\n", "happened after\n", "x.go:1 main.f { l.Lock() } <<<<<\n", "All current goroutines:\n",
    "Samples:\ngoroutine/count\n", "Locations\n", "Mappings\n", " M=1 ", ":0 s=1", " (inline)", "Type: goroutine\n",
    "-----------+-------------------------------------------------------\n", "         3   runtime.gopark\n",
    '{"log":"', '"stream":"stderr"', '"Action":"output"', '"Output":"', "PK\x03\x04",
    '"stacktrace":"', '{"frames":[{', '"lineno":', '"source":"x.go"', " (0x4031bb)", "-> ", 'write(2, "',
    "<unfinished ...>", "\x1f\x8b", "\x28\xb5\x2f\xfd",
    "      flat  flat%   sum%        cum   cum%\n", "   calls calls% + context \t \t \n", "Showing nodes accounting ",
    "----------------------------------------------------------+-------------\n", " 7.69% |   runtime.gopark\n",
    " 7.69%   100%          1  7.69%                | main.f\n", "Dropped 11 nodes (cum <= 12)\n",
)  # fmt: skip

_PATTERNS: Final = {
    "quoted": ("quoted/*.txt", "quoted/*.md"),
    "text": ("go/*/*.txt", "go/*/*.txt.gz", "derived/*.txt", "kubo/*/stack-01.txt.gz"),
    "counts": ("go/*/*debug1.txt", "kubo/*/goroutine.debug1-01*"),
    "pprof": ("go/*/*debug0*", "kubo/*/goroutine.debug0-01*"),
    "pprof-text": ("tools/pprof-text/*.txt",),
    "pprof-sums": tuple(f"tools/pprof-text/{name}*.txt" for name in ("tree", "top", "peek", "crowd", "cpu")),
    "contention": ("kubo/*/ipfs-profile-01.zip",),
    "race-report": ("tools/race_report/*.txt",),
    "goleak": ("tools/goleak/*.txt",),
    "go-deadlock": ("tools/go_deadlock/*.txt",),
    "wrappers": ("derived/*", "tools/strace/*.txt"),
    "events": ("tools/stack_events/*.txt", "tools/stack_events/*.json*"),
    "delve": ("tools/delve/*.txt", "tools/delve/*.gz"),
    "grouped-stacks": ("tools/grouped_stacks/*.txt",),
    "descriptions": ("../stackscan/knowledge/rules/*.toml", "../stackscan/knowledge/pools/*.toml"),
}
_BASELINE: Final = {
    "schema": "stackscan.baseline", "schema_version": 1, "goroutines": 3, "rules": {"a": 1},
    "stacks": [
        {"at": "main.f", "created_by": None, "wait_reason": "select", "count": 2, "rules": [], "signature": "0" * 12}
    ],
}  # fmt: skip
#: Seeds of the small languages, as they are.
_SETTINGS: Final = {
    "expression": (
        'stack "net/http.*" and minutes >= 5',
        'not (count > 10) or waiting "select"',
        'innermost "main.f" and created by "main.**"',
    ),
    "sql": (
        "SELECT wait_reason, count(*) AS n FROM goroutines GROUP BY wait_reason ORDER BY n DESC LIMIT 3",
        "WITH v(x) AS (SELECT depth FROM stacks) SELECT max(x) FROM v WHERE x IN (1, 2) UNION ALL SELECT 1 AS x",
        "SELECT s.depth, row_number() OVER (PARTITION BY f.file) FROM stacks s JOIN frames f USING (stack_id)",
    ),
    "pattern": ("{service}/{host}/{time}/**\n", "{host}/{time:%Y%m%dT%H%M%S}.pb.gz\nb/20260422T101112.pb.gz"),
    "glob": ("a/**/b*.gz\na/x/y/b1.gz", "**/c\nc", "plain/path\nplain/path"),
    "capture-name": (
        "ipfs-profile-2026-04-22T10_11_12+02_00.zip",
        "x/ipfs-profile-node.1-2026-04-22T10:11:12+0200.tar.gz",
        "goroutines-127.0.0.1_6060-2026-04-22T08_11_12.345Z.stacks.gz",
    ),
    "policy": (
        '[check]\nfail_on = "warning"\n[[check.limit]]\nname = "x"\nfunction = "main.*"\nmax_count = 3\n',
        '[check]\nincomplete = "fail"\n[check.growth]\nseverity = "error"\nfactor = 1.5\n',
        '[[check.ignore]]\nfinding = "leak"\nreason = "r"\nexpires = 2027-01-01\n',
    ),
    "baseline": (json.dumps(_BASELINE),),
    "owners": ("# who\nexample.com/acme/** @acme/store\nnet/* @net a@example.com\nexample.com/x\n",),
}
_NOT_TEXT: Final = ("descriptions",)
_PATTERNS_OF_ALL: Final = tuple(name for name in _PATTERNS if name not in _NOT_TEXT)


def seeds(target: str) -> Iterator[bytes]:
    """The seeds of a target."""
    if target == "archive":
        yield from _archives()
    elif target in _SETTINGS:
        yield from (text.encode() for text in _SETTINGS[target])
    elif target == "table":
        yield from _tables()
    elif target in ("claimed", "report"):
        for name in _PATTERNS_OF_ALL:
            yield from list(seeds(name))[::7]
    elif target == "contention":
        yield from _contention()
    elif target == "delve":
        yield from _files(target)
        yield _answers()
    else:
        yield from _files(target)


def _files(target: str) -> Iterator[bytes]:
    for pattern in _PATTERNS[target]:
        for path in sorted(FIXTURES.glob(pattern))[:_PER_PATTERN]:
            yield _small(target, _content(path))


def write(target: str, folder: Path) -> None:
    """Write the seeds into a folder, each named by its content."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _small(target: str, data: bytes) -> bytes:
    """The beginning of a text, up to a whole goroutine where there is one; a profile as it is."""
    if target in ("pprof", "descriptions") or len(data) <= MOST_BYTES:
        return data
    starts = [found.start() for found in _HEADER.finditer(data, 0, MOST_BYTES)]
    return data[: starts[-1]] if len(starts) > 1 else data[:MOST_BYTES]


def _contention() -> Iterator[bytes]:
    for path in sorted(FIXTURES.glob("kubo/*/ipfs-profile-01.zip")):
        with zipfile.ZipFile(path) as bundle:
            for name in bundle.namelist():
                if name.endswith(("mutex.pprof", "block.pprof")):
                    yield bundle.read(name)[:MOST_BYTES]


def _answers() -> bytes:
    """Answers of Delve's JSON API about three goroutines, small enough to stay whole."""
    lines = _content(FIXTURES / "tools" / "delve" / "same_moment.delve.json.gz").splitlines()
    answers = [json.loads(line) for line in lines[:4]]
    answers[0]["result"]["Goroutines"] = answers[0]["result"]["Goroutines"][:3]
    return b"\n".join(json.dumps(answer).encode() for answer in answers)


def _tables() -> Iterator[bytes]:
    """A small Parquet file of each table."""
    for schema in TABLES.values():
        out = io.BytesIO()
        pl.DataFrame(schema=schema.schema).write_parquet(out)
        yield out.getvalue()


def _archives() -> Iterator[bytes]:
    """Small archives of each kind around small dumps, whole and cut."""
    dump = next(seeds("text"))[:600]
    packed = gzip.compress(dump, mtime=0)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as bundle:
            for name, data in (("goroutines.stacks", dump), ("a/b.gz", packed), ("ipfs", b"\x7fELF" + dump)):
                bundle.writestr(zipfile.ZipInfo(name), data, method)
        yield out.getvalue()
        yield out.getvalue()[:-30]
    for mode in ("w", "w:gz"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as bundle:
            entry = tarfile.TarInfo("goroutines.stacks")
            entry.size = len(dump)
            bundle.addfile(entry, io.BytesIO(dump))
        yield out.getvalue()
        yield out.getvalue()[:-700]
    for data in (packed, gzip.compress(packed, mtime=0), zstd.compress(dump), zstd.compress(dump) * 2):
        yield data
        yield data[:-9]
