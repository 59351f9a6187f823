"""Every text dump of the fixtures (and of the corpus, where it is present) gives the counts that are known of it."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from helpers import CORPUS, FIXTURES, index
from stackscan import formats
from stackscan.formats import members as unwrapping
from stackscan.model.snapshot import Snapshot
from stackscan.sources import Member

HEADER = re.compile(rb"(?m)^goroutine \d+ .*\[")


def content(path: Path) -> bytes:
    """The bytes of a fixture, decompressed."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def read(path: Path) -> list[Snapshot]:
    """The snapshots of a fixture, out of whatever a log put around it."""
    member = Member(path.name, None, content(path))
    return [snapshot for _, snapshots in unwrapping.read_member(member) for snapshot in snapshots]


def explained(snapshots: list[Snapshot]) -> bool:
    """Whether problems say why the goroutines are not as many as the headers."""
    return any(snapshot.problems for snapshot in snapshots)


GO = {
    name: entry
    for name, entry in index("go").items()
    if entry["format"] == "goroutine-text" and "fragmented" not in name
}


@pytest.mark.parametrize("name", sorted(GO))
def test_a_dump_of_a_go_runtime_is_read_whole(name: str) -> None:
    """As many goroutines as the runtime printed; complete unless it was cut."""
    entry = GO[name]
    snapshots = read(FIXTURES / "go" / name)
    assert entry["goroutines"] == sum(len(snapshot.goroutines) for snapshot in snapshots)
    assert entry["headers"] == sum(snapshot.header_lines for snapshot in snapshots)
    assert max(entry["snapshots"], 1) == len(snapshots)
    if "interleaved" not in name:  # damaged, and every goroutine there
        assert entry["complete"] == all(snapshot.complete for snapshot in snapshots)


DERIVED = index("derived")


@pytest.mark.parametrize("name", sorted(DERIVED))
def test_a_damaged_copy_loses_nothing_that_is_still_there(name: str) -> None:
    """Prefixes, encodings, line ends, cuts, lost lines, other writers: each goroutine with a header is kept."""
    entry = DERIVED[name]
    snapshots = read(FIXTURES / "derived" / name)
    found = sum(len(snapshot.goroutines) for snapshot in snapshots)
    assert entry["goroutines"] <= found <= entry["original"]
    if entry["change"].startswith(("cut", "tail")):
        cut_registers = name == "sigquit.cut_0.999.txt"  # only the register dump is cut, still a cut
        assert (entry["complete"] and not cut_registers) == all(snapshot.complete for snapshot in snapshots)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("kubo/*/*debug2*.gz")), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_kubo_dump_is_read_whole(path: Path) -> None:
    """Real nodes: as many goroutines as headers, no problem, modules and creators there."""
    (snapshot,) = read(path)
    assert len(HEADER.findall(content(path))) == len(snapshot.goroutines)
    assert snapshot.complete
    assert not snapshot.problems


def test_the_states_of_a_program_are_what_it_says() -> None:
    """Wait reasons, minutes, locks to threads and creators of a program that knows its own goroutines."""
    (snapshot,) = read(FIXTURES / "go" / "go1.27" / "states.txt")
    reasons = set(snapshot.goroutines["wait_reason"])
    assert {"chan receive", "chan send", "select", "sync.Mutex.Lock", "sleep", "IO wait", "sync.Cond.Wait"} <= reasons
    assert snapshot.goroutines["locked"].any()
    assert snapshot.goroutines["creator_id"].null_count() < len(snapshot.goroutines)


def test_labels_are_kept_as_printed() -> None:
    """Go 1.27 prints profiler labels after the bracket."""
    (snapshot,) = read(FIXTURES / "go" / "go1.27" / "labels.txt")
    assert snapshot.goroutines["labels"].drop_nulls().len() > 10


# -- the corpus: dumps that are not part of the repository -----------------------------------------------------------

needs_corpus = pytest.mark.skipif(CORPUS is None, reason="the corpus of third-party dumps is not on this machine")
#: Files whose header lines are not all goroutines, or not all headers at a line's start.
FRAMED = re.compile(
    r"ansi|compose|cri|docker|journal|quoted|syslog|utf16|powershell|kubectl|reversed|escaped|fragmented|write_gran"
    r"|\.jsonl?$"
)


def go_corpus() -> list[tuple[str, dict[str, Any]]]:
    """The text dumps of the corpus' own programs that are not wrapped, with what their index says."""
    if CORPUS is None:
        return []
    entries = []
    for path in sorted((CORPUS / "go").glob("*/index.json")):
        for entry in json.loads(path.read_text()):
            name = entry["file"]
            if entry.get("headers") and not FRAMED.search(name) and ".debug1" not in name and "big1500" not in name:
                entries.append((f"{path.parent.name}/{name}", entry))
    return entries


@needs_corpus
@pytest.mark.parametrize(("name", "entry"), go_corpus(), ids=[name for name, _ in go_corpus()])
def test_a_corpus_dump_is_read_whole(name: str, entry: dict[str, Any]) -> None:
    """As many goroutines as header lines, or a problem that says why not."""
    assert CORPUS is not None
    path = CORPUS / "go" / name
    snapshots = read(path if path.exists() else path.with_name(path.name + ".gz"))
    found = sum(len(snapshot.goroutines) for snapshot in snapshots)
    assert entry["headers"] == found or explained(snapshots) or "indented" in name or "bom" in name


def third_party() -> list[tuple[str, int]]:
    """The text dumps found in public repositories, with the goroutines that were counted in them."""
    if CORPUS is None:
        return []
    rows = [
        line.split("|") for line in (CORPUS / "INDEX.md").read_text().splitlines() if line.startswith("| third-party")
    ]
    return [(row[1].strip(), int(row[4])) for row in rows if "debug2" in row[3]]


@needs_corpus
@pytest.mark.parametrize(("name", "goroutines"), third_party(), ids=[name for name, _ in third_party()])
def test_a_third_party_dump_is_read_whole(name: str, goroutines: int) -> None:
    """Dumps from production and from other tools' fixtures."""
    assert CORPUS is not None
    data = (CORPUS / name).read_bytes()
    if not data or not goroutines:
        return
    snapshots = formats.read(data, where=name)
    found = sum(len(snapshot.goroutines) for snapshot in snapshots)
    assert goroutines == found or explained(snapshots)


@needs_corpus
@pytest.mark.parametrize(
    "golden", sorted((CORPUS or Path()).glob("third-party/DataDog+gostackparse/**/*.golden.json")), ids=lambda p: p.stem
)
def test_every_frame_of_gostackparse_is_ours_too(golden: Path) -> None:
    """Its own goldens: each goroutine, frame and creator that it finds is found, and those that it loses as well."""
    expected = json.loads(golden.read_text())
    data = golden.with_name(golden.name.replace(".golden.json", ".txt")).read_bytes()
    if not data:
        return
    snapshots = formats.read(data, where=golden.name)
    ours = {
        row["goroutine_id"]: snapshot.stacks[row["stack_id"]]
        for snapshot in snapshots
        for row in snapshot.goroutines.iter_rows(named=True)
    }
    assert len(HEADER.findall(data)) == len(ours)
    for theirs in expected["Goroutines"] or []:
        stack = ours[theirs["ID"]]
        frames = {(f.function, f.file, f.line) for f in stack.frames}
        for frame in theirs["Stack"] or []:
            assert (formats.goroutine_text.grammar.unescape_path(frame["Func"]), frame["File"], frame["Line"]) in frames
        created_by = theirs.get("CreatedBy")
        if created_by is not None:
            assert stack.created_by is not None
            assert (created_by["Func"], created_by["File"]) == (stack.created_by.function, stack.created_by.file)
