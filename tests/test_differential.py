"""The fast path, and the careful reader, against the grammar run on every goroutine with no cache and no shortcut."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import CORPUS, FIXTURES
from invariants import rows, values
from stackscan.formats import goroutine_text
from stackscan.formats.goroutine_text.normalise import normalise
from stackscan.formats.goroutine_text.reference import read_block

HEADER = re.compile(r"goroutine \d+ .*\[")


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """The goroutines of a text, each with the number of its header line: from a header up to a blank line."""
    lines = text.split("\n")
    start: int | None = None
    for number, line in enumerate([*lines, ""]):
        if HEADER.match(line) or not line:
            if start is not None:
                yield start + 1, "\n".join(lines[start:number]) + "\n"
            start = number if HEADER.match(line) else None


def compare(data: bytes, *, most: int | None = None) -> tuple[int, int]:
    """Compare every goroutine that the grammar accepts; returns how many were compared, and how many it refused."""
    snapshots = goroutine_text.read(data)
    goroutines = rows(snapshots)
    damaged = {problem.line for snapshot in snapshots for problem in snapshot.problems}
    compared = refused = 0
    for line, text in blocks(normalise(data)[0].decode()):
        if most is not None and compared >= most:
            break
        block = read_block(text)
        if block is None:
            refused += 1
        elif not damaged & set(range(line, line + text.count("\n") + 1)):
            assert values(block) == goroutines[line], text
            compared += 1
    return compared, refused


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


TEXTS = sorted(
    path
    for pattern in ("go/*/*.txt", "go/*/*.txt.gz", "kubo/*/stack-01.txt.gz")
    for path in FIXTURES.glob(pattern)
    if "debug1" not in path.name and "fragmented" not in path.name
)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_readers_equal_the_grammar(path: Path) -> None:
    """Ids, states, labels, frames, creators, ancestors: whatever the grammar alone reads, the fast path reads too."""
    compared, refused = compare(content(path))
    assert compared or not HEADER.search(content(path).decode("utf-8", "replace")) or refused
    if path.parent.name != "gccgo12" and "interleaved" not in path.name and "cut" not in path.name:
        assert refused <= 3  # goroutines with log lines right below them


@pytest.mark.skipif(CORPUS is None, reason="the corpus of third-party dumps is not on this machine")
@pytest.mark.parametrize(
    "name",
    [
        "go/go1.27/big1000.debug2.txt",
        "go/go1.18/big1000.debug2.txt",
        "go/go1.4/oldstates.debug2.txt",
        "go/go1.8/oldstates.debug2.txt",
        "go/go1.12/oldstates.debug2.txt",
        "go/go1.16/frames.debug2.txt",
        "go/go1.17/frames.debug2.txt",
        "go/go1.20/frames.debug2.txt",
        "third-party/crazycs520+tidb/goroutine",
        "third-party/zjg555543+transferfile/goroutines.txt",
        "third-party/maruel+panicparse/static_panicweb.extracted.txt",
        "kubo-shim/go126_ms061_yamux5_async_detached.stacks",
        "kubo-shim/go121_ms060_yamux5_sync_variantA_syncOnce.stacks",
    ],
)
def test_the_readers_equal_the_grammar_on_the_corpus(name: str) -> None:
    """The same over versions that the fixtures do not hold, and over production dumps."""
    assert CORPUS is not None
    path = CORPUS / name
    if not path.exists():
        pytest.skip("not in this corpus")
    compared, _ = compare(path.read_bytes())
    assert compared


@pytest.mark.skipif(CORPUS is None, reason="the corpus of third-party dumps is not on this machine")
def test_the_readers_equal_the_grammar_across_chunks() -> None:
    """The 14 MB dump is cut into chunks that threads read at once; a sample of it is compared."""
    assert CORPUS is not None
    data = gzip.decompress((CORPUS / "go/go1.27/big10000.debug2.txt.gz").read_bytes())
    snapshots = goroutine_text.read(data)
    assert len(snapshots[0].goroutines) == 14890
    assert len(snapshots[0].stacks) == 73
    compared, refused = compare(data, most=1500)
    assert (compared, refused) == (1500, 0)
