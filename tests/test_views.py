"""One program in all three formats: the same buckets by function, with names wherever the format has any."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from helpers import CORPUS, FIXTURES
from stackscan import formats
from stackscan.model.snapshot import Snapshot

#: The runtime's own frames: the text hides them, the counted formats show some.
_RUNTIME = ("runtime.", "internal/runtime/", "runtime/")
#: Go before 1.23 keeps 32 frames in counted formats, with some of the runtime's among them.
_INNERMOST = 20
#: Goroutines that answer the request for the dump itself, or came and went between two requests.
_FETCHING = 4


def read(path: Path) -> Snapshot:
    data = path.read_bytes()
    (snapshot,) = formats.read(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data, where=path.name)
    return snapshot


def by_functions(snapshot: Snapshot) -> Counter[tuple[str, ...]]:
    """Goroutines by the innermost functions outside the runtime."""
    counts: Counter[tuple[str, ...]] = Counter()
    for stack_id, count in snapshot.goroutines.group_by("stack_id").len().iter_rows():
        functions = [name for name in snapshot.stacks[stack_id].functions if not name.startswith(_RUNTIME)]
        counts[tuple(functions[:_INNERMOST])] += count
    return counts


def program_views() -> list[tuple[Path, Path, Path]]:
    """The runs of one fixture program under one Go version: protobuf, counted text, full text."""
    triples = []
    for counted in sorted(FIXTURES.glob("go/go1*/*.debug1.txt")):
        name = counted.name.removesuffix(".debug1.txt")
        profile, full = counted.with_name(f"{name}.pb.gz"), counted.with_name(f"{name}.txt")
        if profile.is_file() and full.is_file() and name not in ("leak", "deep"):  # leak: leaked ones only
            triples.append((profile, counted, full))
    return triples


@pytest.mark.parametrize("views", program_views(), ids=lambda views: f"{views[1].parent.name}-{views[1].name}")
def test_a_program_has_the_same_buckets_in_each_format(views: tuple[Path, Path, Path]) -> None:
    """Runs of a fixture program that parks its goroutines and dumps itself: only the dumping goroutine differs."""
    profile, counted, full = (by_functions(read(view)) for view in views)
    for one, two in ((profile, counted), (counted, full)):
        differing = (one - two).total(), (two - one).total()
        assert max(differing) <= 2, (one - two, two - one)


def corpus_views() -> list[tuple[Path, Path, Path]]:
    """Dumps of one process in each format, taken one after the other."""
    if CORPUS is None:
        return []
    triples = []
    for profile in sorted(CORPUS.glob("go/*/big*0.debug0.pb.gz")):
        name = profile.name.removesuffix(".debug0.pb.gz")
        full = profile.with_name(f"{name}.debug2.txt")
        triples.append(
            (profile, profile.with_name(f"{name}.debug1.txt"), full if full.is_file() else Path(f"{full}.gz"))
        )
    return triples


@pytest.mark.skipif(CORPUS is None, reason="the corpus of other dumps is not on this machine")
@pytest.mark.parametrize("views", corpus_views(), ids=lambda views: f"{views[0].parent.name}-{views[0].name}")
def test_a_process_has_the_same_buckets_in_each_format(views: tuple[Path, Path, Path]) -> None:
    """Up to 100,000 goroutines of one process: equal totals, and the same stacks but for those that fetch the dump."""
    snapshots = [read(view) for view in views]
    assert 1 == len({len(snapshot.goroutines) for snapshot in snapshots})
    profile, counted, full = map(by_functions, snapshots)
    for one, two in ((profile, counted), (counted, full)):
        assert max((one - two).total(), (two - one).total()) <= _FETCHING, (one - two, two - one)


def published_views() -> list[list[Path]]:
    """The dumps of DataDog's go-profiler-notes: one small server in each format, over HTTP and from pprof.Lookup."""
    if CORPUS is None:
        return []
    folder = CORPUS / "third-party" / "DataDog+go-profiler-notes" / "examples" / "goroutine"
    texts = sorted(folder.glob("*.goroutine.debug2.txt"))
    return [[*sorted(folder.glob(text.name.replace("debug2.txt", "debug[01].*"))), text] for text in texts]


@pytest.mark.skipif(CORPUS is None, reason="the corpus of other dumps is not on this machine")
@pytest.mark.parametrize("views", published_views(), ids=lambda views: views[-1].name)
def test_a_published_server_has_the_same_buckets_in_each_format(views: list[Path]) -> None:
    """Equal totals, and all goroutines but those that write the dump or answer for it."""
    profile, counted, full = map(read, views)
    assert 1 == len({len(snapshot.goroutines) for snapshot in (profile, counted, full)})
    for one, two in ((profile, counted), (counted, full)):
        assert (by_functions(one) - by_functions(two)).total() <= 2


@pytest.mark.skipif(CORPUS is None, reason="the corpus of other dumps is not on this machine")
def test_a_process_from_production_has_the_same_buckets() -> None:
    """Two views of a working node (erigon), some seconds apart: nine goroutines of ten stand where they stood."""
    assert CORPUS is not None
    folder = CORPUS / "third-party" / "zjg555543+transferfile"
    profile, full = (by_functions(read(folder / name)) for name in ("goroutine.prof", "goroutines.txt"))
    assert (profile & full).total() >= 0.85 * full.total()


COUNTED = sorted((*FIXTURES.glob("go/go1*/*.debug1.txt"), *FIXTURES.glob("kubo/*-stalled-tcp/goroutine.debug1-01*")))


@pytest.mark.parametrize("path", COUNTED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_counted_text_has_names(path: Path) -> None:
    """debug=1 text carries every function's name, and all of them are read."""
    snapshot = read(path)
    names = {function for stack in snapshot.stacks for function in stack.functions}
    assert names
    assert not {name for name in names if not name or name.startswith(("0x", "?", "<"))}


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not on this machine")
def test_counted_text_is_where_pprof_knows_no_names(tmp_path: Path) -> None:
    """What `go tool pprof -top` makes of the same file without the program's binary."""
    counted = FIXTURES / "go/go1.27/states.debug1.txt"
    environment = {**os.environ, "PPROF_TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [str(shutil.which("go")), "tool", "pprof", "-top", str(counted)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip("this Go cannot run pprof here")
    assert "<unknown>" in done.stdout
    assert "main." not in done.stdout
    names = {name for stack in read(counted).stacks for name in stack.functions}
    assert any(name.startswith("main.") for name in names)
