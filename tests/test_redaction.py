"""`--redact`: nothing private is left, and what the report says of the program stays the same."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import FIXTURES, assert_refused, goroutine, rendered, run
from stackscan.analysis.agreement import Agreement
from stackscan.analysis.finding import Finding
from stackscan.errors import UsageError
from stackscan.export.convert import CONVERTERS, converter
from stackscan.export.tables.build import build
from stackscan.formats.symbol import origin, read_symbol
from stackscan.knowledge.configuration import shipped
from stackscan.model.capture import Entry
from stackscan.model.snapshot import Frame, Snapshot
from stackscan.pipeline import Options, examine
from stackscan.redaction import Redaction, new_key, read_key
from stackscan.redaction.vocabulary import cause, is_public, is_standard
from stackscan.report import BundleReport, CaptureReport, ContentionReport, Report, ViewsReport, as_json
from stackscan.report.model import ContendedStack

KEY = b"k" * 32
FOLDER = FIXTURES / "go" / "go1.27"
DUMPS = [
    *(FOLDER / name for name in ("frames.txt", "frames_system.txt", "labels.txt", "labels.debug1.txt", "pool.txt")),
    *(FOLDER / name for name in ("panic_typed.txt", "panic_multiline.txt", "interleaved_panic.txt", "ancestors.txt")),
    *(FOLDER / name for name in ("cgo_panic.txt", "test_timeout.txt", "leak.txt", "panic_http.txt")),
    FIXTURES / "go/go1.23/labels.pb.gz",
    FIXTURES / "go/gccgo12/panic_sigquit_all.txt",
    *(
        FIXTURES / "derived" / name
        for name in (
            "pool.windows_paths.txt",
            "sigquit.interleaved.txt",
            "panic.html.txt",
            "sigquit.cri.txt",
            "panic.docker_json.jsonl",
            "pool.journal_short.txt",
        )
    ),
    FIXTURES / "kubo/v0.40.1-mixed/ipfs-profile-01.zip",
    FIXTURES / "kubo/v0.41.0-boxo-v0.38.0-stalled-quic/ipfs-profile-02.zip",
    FIXTURES / "kubo/v0.41.0-fixed-tcp/ipfs-profile-02.zip",
]
EXISTING = [path for path in DUMPS if path.exists()]
#: Three letters or more that are no name which the compiler makes (func12, gowrap3, glob).
WORD = re.compile(r"(?!(?:(?:func|gowrap|deferwrap|range)\d+|glob)\b)\b[^\W\d]\w{2,}")
#: What the runtime itself says of a death, and what every program has.
SAID = {"main", "panic", "goroutine"}


def words(*texts: str) -> set[str]:
    return {word for text in texts for word in WORD.findall(text)}


def frames(snapshot: Snapshot) -> Iterator[Frame]:
    for stack in snapshot.stacks:
        yield from stack.frames
        if stack.created_by is not None:
            yield stack.created_by


def private_words(found: list[CaptureReport]) -> set[str]:
    """Every word that only private names, paths, labels, messages and excerpts of some dumps hold."""
    public, private = set(SAID), set()
    private |= words(*(each.report.stream for each in found)) - {"stderr"}
    for snapshot in (each.capture.snapshot for each in found):
        for frame in frames(snapshot):
            package = read_symbol(frame.function).package
            if is_standard(package) or is_public(package):
                public |= words(frame.function, re.split(r"[/\\]", frame.file)[-1])
                private |= words(frame.file.partition("@v")[0].rpartition("/")[0])
            else:
                private |= words(frame.function, frame.file)
        private |= words(*snapshot.goroutines["labels"].drop_nulls().unique().to_list(), snapshot.cause or "")
        public |= words(cause(snapshot.cause) or "")  # what of it is kept has a test of its own
        private |= words(*(problem.excerpt for problem in snapshot.problems))
    return private - public


def everything(found: list[CaptureReport], bundle: BundleReport | None) -> str:
    """All that any command shows of some snapshots."""
    report = Report(tuple(each.report for each in found), () if bundle is None else (bundle,))
    shown = [json.dumps(as_json(report)), *(rendered(report, output) for output in ("text", "markdown", "html"))]
    for each in found:
        shown += [table.write_ndjson() for table in build(each).values()]
        made = {name: converter(name)(each) for name in CONVERTERS}
        made["pprof"] = gzip.decompress(made["pprof"])
        shown += [content.decode("utf-8", "replace") for content in made.values()]
    return "\n".join(shown)


def _examine(path: Path, redaction: Redaction | None = None) -> tuple[list[CaptureReport], BundleReport | None]:
    """The reports of a file, with every goroutine, as a page holds them."""
    return examine(str(path), options=Options(shipped(), individually=True), redaction=redaction)


@cache
def ours() -> set[str]:
    """The words that stackscan says of any dump: those of a dump that has no words of its own."""
    found, bundle = _examine(FIXTURES / "kubo/v0.40.1-mixed/ipfs-profile-02.zip")
    documented = [(FIXTURES.parent / "docs" / name).read_text(encoding="utf-8") for name in ("tables.md", "columns.md")]
    explained = (text for rule in shipped().every_rule for text in (rule.title, rule.why, rule.fix))
    return words(everything(found, bundle), *documented, *explained)


@pytest.mark.parametrize("path", EXISTING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_private_word_is_left(path: Path) -> None:
    """Of report, tables and profiles: no word of a private path, name, label, message or excerpt."""
    found, _ = _examine(path)
    redacted = everything(*_examine(path, Redaction(new_key())))
    assert set() == words(redacted) & (private_words(found) - ours())


def test_the_search_finds_what_is_not_redacted() -> None:
    """The test above can fail: without --redact it finds plenty."""
    found, bundle = _examine(FOLDER / "labels.txt")
    assert len(words(everything(found, bundle)) & (private_words(found) - ours())) > 5


def _unnamed(finding: Finding) -> Finding:
    """A finding without what names functions, tests or values: its sentence, its steps, and what evidence quotes."""
    evidence = {name: value for name, value in finding.evidence.items() if value is None or isinstance(value, int)}
    steps = tuple(replace(step, does="", frame=None) for step in finding.steps)
    named = finding.cause is not None
    return replace(finding, title="", verdict="", evidence=evidence, steps=steps) if named else finding


@pytest.mark.parametrize("path", EXISTING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_report_says_the_same(path: Path) -> None:
    """Findings, evidence, pools, phases, counts, waits and the level of each verdict."""
    plain, redacted = examine(str(path))[0], examine(str(path), redaction=Redaction(KEY))[0]
    for one, other in zip(plain, redacted, strict=True):
        assert list(map(_unnamed, one.report.findings)) == list(map(_unnamed, other.report.findings))
        assert (one.report.pools, one.report.phases) == (other.report.pools, other.report.phases)
        assert [verdict.level for verdict in one.report.verdicts] == [v.level for v in other.report.verdicts]
        one_counts, other_counts = (sorted(b.bucket.count for b in each.report.buckets) for each in (one, other))
        assert one_counts == other_counts
        assert one.capture.snapshot.goroutines["stack_id"].equals(other.capture.snapshot.goroutines["stack_id"])


# -- symbols and paths -----------------------------------------------------------------------------------------------


def redacted(function: str, file: str = "/home/alice/src/x.go") -> Frame:
    """A frame after redaction."""
    return Redaction(KEY)._names.frame(Frame(function, file, 7, 3))


@pytest.mark.parametrize(
    ("function", "file", "shown"),
    [
        ("net/http.(*conn).serve", "/home/alice/sdk/go1.22/src/net/http/server.go", "net/http/server.go"),
        ("runtime.gopark", "C:\\Users\\alice\\go\\src\\runtime\\proc.go", "runtime/proc.go"),
        ("github.com/ipfs/boxo/bitswap.(*B).f", "/home/a/go/pkg/mod/github.com/ipfs/boxo@v0.38.0/bitswap/b.go",
         "github.com/ipfs/boxo@v0.38.0/bitswap/b.go"),
        ("github.com/ipfs/boxo/bitswap.(*B).f", "github.com/ipfs/boxo@v0.38.0/bitswap/b.go",
         "github.com/ipfs/boxo@v0.38.0/bitswap/b.go"),
        ("github.com/ipfs/boxo/bitswap.(*B).f", "/home/alice/boxo/bitswap/b.go", "github.com/ipfs/boxo/bitswap/b.go"),
        ("github.com/ipfs/boxo/bitswap.(*B).f", "/x@v1.2.3/github.com/x/b.go", "github.com/ipfs/boxo/bitswap/b.go"),
        ("github.com/ipfs/boxo/bitswap.f", "/home/alice/the secret plan.go", ""),
        ("vendor/golang.org/x/net/http2/hpack.f", "<autogenerated>", "<autogenerated>"),
        ("panic", "/usr/local/go/src/runtime/panic.go", ""),
    ],
)  # fmt: skip
def test_public_frames_lose_only_their_folders(function: str, file: str, shown: str) -> None:
    """What every copy of the module has in common stays."""
    assert Frame(function, shown, 7, 3) == redacted(function, file)


@pytest.mark.parametrize(
    ("function", "pattern"),
    [
        ("main.main", r"main\.main"),
        ("main.main.func1", r"main\.main\.func1"),
        ("main.Charge.func1.2", r"main\.X\.func1\.2"),
        ("git.acme.io/pay/v2.(*Invoice).Charge-fm", r"X\.redacted/X/v2\.\(\*X\)\.X-fm"),
        ("git.acme.io/pay.Queue[...].Push.gowrap2", r"X\.redacted/X\.X\[\.\.\.\]\.X\.gowrap2"),
        ("git.acme.io/pay.F[git.acme.io/pay.Secret]", r"X\.redacted/X\.X\[\.\.\.\]"),
        ("internal/billing.Charge", r"X/X\.X"),
        ("encoding/acme.Charge", r"X/X\.X"),
        ("github.com/acme/pay.Charge", r"X\.redacted/X/X\.X"),
        ("github.com/ipfsecret/pay.Charge", r"X\.redacted/X/X\.X"),
        ("git.acme.io/pay/vendor/github.com/ipfs/boxo.F", r"X\.redacted/X/vendor/github.com/ipfs/boxo\.X"),
        ("my_secret_c_function", r"X"),
        ("type:.eq.git.acme.io/pay.Secret", r"X"),
        ("go:struct { secret int }.F", r"X"),
        ("not a symbol of secret things", r"X"),
    ],
)
def test_private_symbols_keep_their_shape(function: str, pattern: str) -> None:
    """Paths, types and functions become hashes; stars, dots, major versions and the compiler's names stay."""
    shown = redacted(function)
    assert re.fullmatch(pattern.replace("X", "x[0-9a-f]{10}"), shown.function), shown.function
    assert re.fullmatch(r"(?:[\w./]+/)?x[0-9a-f]{10}\.go", shown.file), shown.file


def test_kept_prefixes_are_public() -> None:
    """With all below them, and nothing beside them."""
    names = Redaction(KEY, ("github.com/acme/pay",))._names
    assert "github.com/acme/pay/v2.Charge" == names.function("github.com/acme/pay/v2.Charge")
    assert "github.com/acme/payroll.Charge" != names.function("github.com/acme/payroll.Charge")


def test_types_of_others_are_left_out_of_public_symbols() -> None:
    """A generic function of the standard library may be made for a private type."""
    assert "sync.OnceFunc[...].func1" == redacted("sync.OnceFunc[git.acme.io/pay.Secret].func1").function


def test_equal_names_are_equal_within_a_run_only() -> None:
    """A hash leads from one place to the other of a file, and from no file to another, unless the key is given."""
    one, two = Redaction(new_key()), Redaction(new_key())
    name = "git.acme.io/pay.Charge"
    assert one._names.function(name) == one._names.function(name)
    assert one._names.function(name) != two._names.function(name)
    text = "correct horse battery"
    assert Redaction(read_key(text))._names.function(name) == Redaction(read_key(text))._names.function(name)


def test_whose_code_a_frame_is_does_not_change() -> None:
    """Folding and the frame to look at go by it."""
    for function in ("main.f", "git.acme.io/pay.Charge", "acme/pay.Charge", "net/http.Get", "github.com/ipfs/boxo.F"):
        assert origin(Frame(function, "", 1)).kind == origin(redacted(function)).kind


@given(st.text(), st.text())
def test_any_text_is_redacted(function: str, file: str) -> None:
    """Whatever stands where a symbol should: nothing raises, and words without a public package are gone."""
    shown = redacted(function, file)
    if not read_symbol(function).package:
        assert shown.function == function or re.fullmatch(r"x[0-9a-f]{10}", shown.function)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (None, None),
        ("SIGQUIT: quit", "SIGQUIT: quit"),
        ("fatal error: concurrent map writes", "fatal error: concurrent map writes"),
        ("panic: customer 4711 not found", "panic: (redacted)"),
        (
            "panic: runtime error: index out of range [5] with length 2",
            "panic: runtime error: index out of range [5] with length 2",
        ),
        ("panic: close of closed channel, says bob", "panic: (redacted)"),
        ("fatal error: acme", "fatal error: (redacted)"),
        ("2026/11/23 09:45:42 http: panic serving 10.0.0.7:42276: bob", "http: panic serving (redacted)"),
        ("runtime: out of memory: cannot allocate", "runtime: out of memory: (redacted)"),
        ("anything else", "cause: (redacted)"),
    ],
)
def test_causes_keep_what_the_runtime_says(text: str | None, kept: str | None) -> None:
    """The kind of death stays, the program's own words go."""
    assert kept == cause(text)


def test_what_a_bundle_says_beside_its_dumps_is_redacted() -> None:
    """Contended places, the widest difference of two views, names of members, notes, and what a build calls itself."""
    place = ContendedStack(1.5, 3, Frame("git.acme.io/pay.Charge", "/home/alice/pay.go", 4), "git.acme.io/pay.main")
    bundle = BundleReport(
        source="/home/alice/acme.zip",
        version={
            "Version": "0.41.0-acme",
            "Commit": "acme",
            "Golang": "go1.26.1",
            "System": "amd64/linux",
            "User": "bob",
        },
        members=(
            Entry("acme/goroutines.stacks", "text", 3, 4, "acme: damaged"),
            Entry("acme.log", "text", 1),
        ),
        views=(
            ViewsReport("acme/goroutines.stacks", "acme.pb", Agreement((1, 2), 0.5, 1, 1, ("git.acme.io/pay.F", 3))),
        ),
        contention=(ContentionReport("acme/block.pprof", "block", 1.5, (place,)),),
    )
    redacted = Redaction(KEY).bundle(bundle)
    assert [] == [word for word in ("acme", "alice", "bob", "pay", "Charge") if word in repr(redacted)]
    assert {"Version": "other", "Golang": "go1.26.1", "System": "amd64/linux"} == redacted.version
    assert redacted.members[0].name.endswith("/goroutines.stacks")
    assert (place.delay_seconds, place.waits) == (redacted.contention[0].stacks[0].delay_seconds, 3)


# -- the commands ----------------------------------------------------------------------------------------------------


def test_labels_messages_and_names_of_files_are_gone(tmp_path: Path) -> None:
    """From the command line: names of sources, hosts and members too."""
    path = tmp_path / "acme-prod.txt"
    path.write_text(
        "panic: password hunter2\n\n"
        + goroutine(1, ["git.acme.io/pay.Charge"]).replace("[select]", "[select] {user: bob}"),
        encoding="utf-8",
    )
    done = run("report", path, "--redact", "--format", "json")
    assert 0 == done.returncode, done.stderr
    assert [] == [word for word in ("acme", "hunter2", "bob", "Charge", str(tmp_path)) if word in done.stdout]
    done = run("report", path, "--redact", "--format", "html")
    assert 0 == done.returncode, done.stderr
    assert [] == [word for word in ("acme", "hunter2", "bob", "Charge", str(tmp_path)) if word in done.stdout]
    folder = tmp_path / "out"
    done = run("export", path, "--redact", "--host", "acme-1", "--output", folder, "--format", "ndjson")
    assert 0 == done.returncode, done.stderr
    written = "".join(file.read_text(encoding="utf-8") for file in folder.iterdir())
    assert [] == [word for word in ("acme", "hunter2", "bob", "Charge", str(tmp_path)) if word in written]


def test_a_key_gives_the_same_hashes_each_time(tmp_path: Path) -> None:
    """Also from the environment; either way it asks for redaction only where an option does."""
    path = tmp_path / "dump.txt"
    path.write_text(goroutine(1, ["git.acme.io/pay.Charge"]), encoding="utf-8")
    from helpers import environment

    key = "0123456789abcdef0123"
    outputs = {
        run("report", path, "--redact-key", key).stdout,
        run("report", path, "--redact", env=environment(STACKSCAN_REDACT_KEY=key)).stdout,
    }
    assert 1 == len(outputs)
    assert "Charge" not in outputs.pop()
    assert "Charge" in run("report", path, env=environment(STACKSCAN_REDACT_KEY=key)).stdout


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    """It could be guessed, and with it every name."""
    with pytest.raises(UsageError, match="can be guessed"):
        read_key("short")
    path = tmp_path / "dump.txt"
    path.write_text(goroutine(1, ["main.main"]), encoding="utf-8")
    assert_refused(run("report", path, "--redact-key", "short"), "16", "openssl rand")
