"""Dumps inside logs: whatever a log put around a dump, it reads the same, and lines keep their numbers."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wrapping import WRAPS, json_field, kubectl

from helpers import CORPUS, FIXTURES, goroutine, json_of, rendered, report_of
from stackscan.sources import logs as wrappers

STALLED = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp"
DUMPS = {
    "a stalled kubo node": STALLED / "stack-02.txt.gz",
    "the same, counted": STALLED / "goroutine.debug1-02.txt.gz",
    "a program with a pool": FIXTURES / "go" / "go1.26" / "pool.txt",
}


def text_of(path: Path) -> str:
    """The text of a dump."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def judged(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What a report says of each snapshot, less where it stood."""
    parts = ("format", "goroutines", "complete", "problems", "buckets", "findings", "pools", "wait_reasons")
    return [{part: snapshot[part] for part in parts} for snapshot in report["snapshots"]]


def log_around(dump: str) -> list[str]:
    """A dump in the log of its process: a line before, one after, and, in full text, one between two goroutines."""
    lines = ["2026/11/23 05:04:00 listening on :8080", "", *dump.splitlines()]
    if not dump.startswith("goroutine profile"):
        middle = lines.index("", len(lines) // 2)
        lines.insert(middle, "2026/11/23 05:04:01 still serving")
        lines.insert(middle, "")
    return [*lines, "", "2026/11/23 05:04:02 bye"]


@pytest.mark.parametrize("name", WRAPS)
@pytest.mark.parametrize("dump", DUMPS)
def test_a_wrapped_dump_reads_like_the_bare_one(dump: str, name: str, tmp_path: Path) -> None:
    """The same buckets, findings and pools, complete and without a problem, whatever the log put around it."""
    text = text_of(DUMPS[dump])
    path = tmp_path / "some.log"
    path.write_bytes(WRAPS[name](log_around(text)))
    (expected,) = judged(json_of(DUMPS[dump]))
    (actual,) = judged(json_of(path))
    assert expected == actual
    assert actual["complete"]


@pytest.mark.parametrize("name", sorted(set(WRAPS) - {"indented"}))
def test_the_wrapper_is_named(name: str, tmp_path: Path) -> None:
    """What was taken off stands in the report, for people and for scripts."""
    path = tmp_path / "some.log"
    path.write_bytes(WRAPS[name](log_around(text_of(DUMPS["a program with a pool"]))))
    (snapshot,) = json_of(path)["snapshots"]
    assert snapshot["wrapper"]
    for output in ("text", "markdown"):
        assert snapshot["wrapper"][0].split(",")[0].split("'")[0] in rendered(report_of(path), output)


LINES_KEPT = sorted(
    set(WRAPS)
    - {"rsyslog, one message", "JSON msg", "JSON stacktrace", "JSON document of lines", "logfmt", "escaped twice"}
    - {"JSON in CRI", "CR", "UTF-16 LE", "UTF-16 BE, no mark", "UTF-32", "strace"}
)


@pytest.mark.parametrize("name", LINES_KEPT)
def test_problems_carry_the_line_of_the_file(name: str, tmp_path: Path) -> None:
    """A line of damage is reported where it stands in the log, not in what is left of it."""
    first = goroutine(1, ["main.f", "main.main"], state="running")
    lines = [*first.splitlines(), "", "goroutine 2 [select:", "main.g(0x1)", "\t/src/app/x.go:1 +0x1", ""]
    lines += [*goroutine(3, ["main.h"]).splitlines(), ""]
    path = tmp_path / "some.log"
    path.write_bytes(WRAPS[name](lines))
    (snapshot,) = json_of(path)["snapshots"]
    stands = [place for place, line in enumerate(path.read_bytes().split(b"\n"), start=1) if b"goroutine 2 [" in line]
    assert stands == sorted({problem["line"] for problem in snapshot["problems"] if "2 [" in problem["excerpt"]})


def test_two_processes_of_one_log_are_two_snapshots(tmp_path: Path) -> None:
    """Lines of two pods that dumped at once are told apart, each snapshot with the name of its pod."""
    first = goroutine(1, ["main.first"], state="running") + "\n" + goroutine(2, ["main.first"])
    other = goroutine(1, ["main.other"], state="running") + "\n" + goroutine(7, ["main.other"])
    mixed = []
    for one, two in zip(first.splitlines(), other.splitlines(), strict=True):
        mixed += [f"[pod/a/app] {one}", f"[pod/b/app] {two}"]
    path = tmp_path / "pods.log"
    path.write_text("\n".join(mixed) + "\n")
    found = {snapshot["stream"]: snapshot for snapshot in json_of(path)["snapshots"]}
    assert ["pod/a/app", "pod/b/app"] == sorted(found)
    for stream, function in (("pod/a/app", "main.first"), ("pod/b/app", "main.other")):
        assert {function} == {frame["function"] for b in found[stream]["buckets"] for frame in b["frames"]}
        assert (2, []) == (found[stream]["goroutines"], found[stream]["problems"])
        assert stream in rendered(report_of(path), "text")


def test_lines_that_the_log_left_out_are_a_problem(tmp_path: Path) -> None:
    """The rate limit says that it dropped lines: then the dump is not called complete."""
    lines = log_around(text_of(DUMPS["a program with a pool"]))
    wrapped = WRAPS["journalctl"](lines).decode().splitlines()
    middle = len(wrapped) // 2
    said = "Nov 23 05:04:02 web-1 systemd-journald[311]: Suppressed 1234 messages from ipfs.service"
    path = tmp_path / "journal.log"
    path.write_text("\n".join([*wrapped[:middle], said, *wrapped[middle:]]) + "\n")
    (snapshot,) = json_of(path)["snapshots"]
    assert not snapshot["complete"]
    assert [middle + 1] == [problem["line"] for problem in snapshot["problems"]]


def test_a_wrapped_member_of_an_archive_is_read(tmp_path: Path) -> None:
    """Logs are what archives and directories are full of."""
    (tmp_path / "pods.log").write_bytes(kubectl(log_around(text_of(DUMPS["a stalled kubo node"]))))
    (tmp_path / "other.log").write_text("nothing here\n")
    report = json_of(tmp_path)
    assert [("pods.log", "pod/web-7c9d8/app")] == [(s["member"], s["stream"]) for s in report["snapshots"]]
    notes = {member["name"]: member["note"] for member in report["bundle"]["members"]}
    assert "kubectl logs --prefix" in notes["pods.log"]


BARE = sorted(path for path in (FIXTURES / "go").glob("go1.2*/*.txt") if "fragmented" not in path.name)


@pytest.mark.parametrize("path", BARE, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_bare_dump_is_never_touched(path: Path) -> None:
    """What a Go runtime printed is what the formats see."""
    assert wrappers.unwrap(path.read_bytes()) is None


def test_a_dump_torn_into_tokens_is_put_together() -> None:
    """A reader that made a line of each read() (golang/go#32002): goroutines, frames and lines as they were printed."""
    path = FIXTURES / "go" / "go1.27" / "fragmented_reads.txt"
    (snapshot,) = json_of(path)["snapshots"]
    assert (10, 10) == (snapshot["goroutines"], snapshot["header_lines"])
    assert (True, [], ["torn lines"]) == (snapshot["complete"], snapshot["problems"], snapshot["wrapper"])
    top = snapshot["buckets"][0]
    assert "sync.Mutex.Lock" == top["wait_reason"]
    assert "main.background.func2" == top["frames"][-1]["function"]
    assert ("/home/ci/repo", 73) == (top["frames"][-1]["file"][:13], top["frames"][-1]["line"])
    assert "main.background" == top["created_by"]


def test_a_bare_dump_in_a_log_with_prefixes_is_read_as_it_is(tmp_path: Path) -> None:
    """The runtime's own output carries no prefix even where the program's log lines do."""
    log = "".join(f'{{"level":"info","msg":"request {n}, see goroutine 5 [running]:"}}\n' for n in range(50))
    path = tmp_path / "stderr.log"
    path.write_text(log + text_of(DUMPS["a program with a pool"]) + log)
    (snapshot,) = json_of(path)["snapshots"]
    assert [] == snapshot["wrapper"]
    assert judged(json_of(DUMPS["a program with a pool"]))[0]["buckets"] == snapshot["buckets"]


def test_names_from_a_log_come_out_as_text(tmp_path: Path) -> None:
    """A stream's name and a prefix are a stranger's words, too."""
    records = [{"pod": "x\x1b[31m</script>`[red]", "msg": line} for line in goroutine(1, ["main.main"]).splitlines()]
    path = tmp_path / "x.log"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    for output in ("text", "markdown"):
        assert "\x1b" not in rendered(report_of(path), output)
    assert "\x1b" not in rendered(report_of(path), "markdown")


def test_nesting_has_an_end() -> None:
    """A log in a log in a log, beyond what is taken off, ends in an error that says so or a report; never in a loop."""
    data = goroutine(1, ["main.main"]).encode()
    for _ in range(12):
        data = json_field("msg")(data.decode().splitlines())
    found = wrappers.unwrap(data)
    assert found is not None


@pytest.mark.skipif(CORPUS is None, reason="the corpus of other dumps is not on this machine")
def test_every_framing_of_the_corpus_is_taken_off() -> None:
    """The copies that logs and shells made of other dumps give as many goroutines as their originals have left."""
    assert CORPUS is not None
    folder = CORPUS / "go" / "derived"
    for entry in json.loads((folder / "index.json").read_text()):
        found = sum(snapshot.goroutines for snapshot in report_of(folder / entry["file"]).snapshots)
        assert entry["goroutines"] == found, entry["file"]


@pytest.mark.parametrize("order", [("pool.txt", "pool.debug1.txt"), ("pool.debug1.txt", "pool.txt")], ids=" ".join)
def test_captures_appended_to_one_file_are_each_read(order: tuple[str, str], tmp_path: Path) -> None:
    """``curl … >> file`` of a full and a counted dump: both are read, and damage keeps the line of the file."""
    texts = [(FIXTURES / "go" / "go1.27" / name).read_text() for name in order]
    damaged = goroutine(99, ["main.f"]) + "\ngoroutine 100 [select:\n\n"
    path = tmp_path / "captures.txt"
    path.write_text("".join(text + damaged * (name == "pool.txt") for name, text in zip(order, texts, strict=True)))
    snapshots = {snapshot["format"]: snapshot for snapshot in json_of(path)["snapshots"]}
    assert 14 == snapshots["goroutine-counts"]["goroutines"]
    assert 16 == snapshots["goroutine-text"]["goroutines"]
    (line,) = {problem["line"] for problem in snapshots["goroutine-text"]["problems"]}
    assert "goroutine 100 [select:" == path.read_text().split("\n")[line - 1]


def test_a_line_of_quotes_comes_to_an_end() -> None:
    """Two million escaped quotes behind a stack: looking back from each over the whole line lasted for minutes."""
    program = (
        "from stackscan.sources.logs.escapes import escaped; "
        r"""text = b'"goroutine 1 [select]:\\nmain.main()\\n\\t/x.go:1 +0x1\\n' + rb'\"' * 2_000_000 + b'"\n'; """
        "found = escaped(text); "
        "print(found.names)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert ("('escaped newlines',)\n", "") == (done.stdout, done.stderr)
