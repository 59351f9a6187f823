"""Which rules fire where: on every fixture, on healthy programs, and on dumps that others published.

The table is ``golden/rules-that-fire.txt``. It is there so that no rule begins to shout unseen: after a change that is
meant, write it with ``STACKSCAN_UPDATE_GOLDENS=1 .venv/bin/pytest -q -m generated`` and read the difference.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from helpers import CORPUS, FIXTURES, GOLDEN, ROOT, golden, goroutine, index, snapshot_of
from stackscan import formats
from stackscan.analysis.classify import classify
from stackscan.analysis.finding import Finding
from stackscan.knowledge.examples import Example
from stackscan.knowledge.language import index_of, parse, select
from stackscan.knowledge.rule import SEVERITIES, Rule, catalogue
from stackscan.model.snapshot import Snapshot
from stackscan.pipeline import scan
from stackscan.report import Report

_TABLE = GOLDEN / "rules-that-fire.txt"
_KUBO = ("goroutine.debug0-01.pb.gz", "goroutine.debug1-01.txt.gz", "goroutine.debug2-01.txt.gz")


_ABOUT_READING = ("cut_tail", "fragmented_reads", "interleaved_")  # damaged: other tests say what is read of them


def fixtures() -> Iterator[Path]:
    """All dumps of Go programs, and of each kubo laboratory run one in each format."""
    whole = (name for name, entry in index("go").items() if entry["snapshots"])
    yield from (FIXTURES / "go" / name for name in whole if not any(part in name for part in _ABOUT_READING))
    for folder in sorted((FIXTURES / "kubo").iterdir()):
        yield from (folder / name for name in _KUBO if (folder / name).exists())


def snapshots(path: Path) -> tuple[Snapshot, ...]:
    """What a file holds."""
    data = path.read_bytes()
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    return tuple(formats.read(text, where=path.name))


@cache
def classified(path: Path) -> tuple[tuple[Finding, ...], ...]:
    """What the whole catalogue finds in each snapshot of a file."""
    return tuple(classify(snapshot, catalogue()) for snapshot in snapshots(path))


def row(path: Path) -> str:
    """One line of the table: what is stuck, then what waits as it should, each with how many."""
    kinds: dict[str, dict[str, int]] = {"stuck": {}, "healthy": {}}
    for findings in classified(path):
        for finding in findings:
            counts = kinds[finding.rule.kind]
            counts[finding.rule.name] = counts.get(finding.rule.name, 0) + finding.count
    told = [" ".join(f"{name}={count}" for name, count in sorted(counts.items())) for counts in kinds.values()]
    return f"{path.relative_to(FIXTURES)}: {told[0] or '-'} | {told[1] or '-'}"


@pytest.mark.generated
def test_each_rule_fires_where_it_did() -> None:
    """The whole catalogue over every fixture: stuck rules before the bar, healthy ones behind it."""
    shown = "".join(f"{row(path)}\n" for path in fixtures())
    golden(_TABLE, shown)


def _claimed_twice(findings: Sequence[Finding]) -> Iterator[tuple[str, str, int]]:
    """Pairs of rules of one kind that claim the same goroutines although neither says more of them than the other."""
    for one, other in combinations(findings, 2):
        both = len(set(one.rows) & set(other.rows))
        related = one.rule.extends == other.rule.name or other.rule.extends == one.rule.name
        if both and one.rule.kind == other.rule.kind and not related:
            yield one.rule.name, other.rule.name, both


def test_no_goroutine_is_claimed_twice() -> None:
    """Of two rules of a kind that could claim a goroutine, one yields to the other: no fixture shows a pair."""
    doubles = {path: list(_claimed_twice(findings)) for path in fixtures() for findings in classified(path)}
    assert {} == {path: pairs for path, pairs in doubles.items() if pairs}


@pytest.mark.parametrize("rule", catalogue(), ids=lambda rule: rule.name)
def test_no_example_is_claimed_twice(rule: Rule) -> None:
    """The same on the dumps in the rule files, with the whole catalogue."""
    for example in rule.examples:
        assert [] == list(_claimed_twice(classify(snapshot_of(example.dump), catalogue())))


def _table() -> dict[str, tuple[set[str], set[str]]]:
    """The table, read: names of stuck and of healthy rules by file."""
    rows = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        name, _, told = line.partition(": ")
        stuck, healthy = ({pair.partition("=")[0] for pair in part.split()} - {"-"} for part in told.split(" | "))
        rows[name] = (stuck, healthy)
    return rows


#: Which rule a fixture of ``programs/stuck`` or ``libraries/stuck`` was made for. The others are too few or too young
#: to be told from healthy programs, and must stay silent.
_MADE_FOR = {
    "abandoned-send": "senders-at-one-place",
    "ants": "ants-pool-full",
    "cache-sync": "k8s-cache-not-synced",
    "empty-select": "empty-select",
    "file-lock": "file-lock-waits",
    "finalizer": "finalizer-stuck",
    "forgotten-receive": "receivers-at-one-place",
    "gc-assist": "gc-assist-waits",
    "http-shutdown": "http-server-shutdown",
    "logger": "log-output-blocked",
    "nil-channel": "nil-channel-wait",
    "pgxpool": "pgxpool-exhausted",
    "redis-pool": "redis-pool-exhausted",
    "rwmutex": "rwmutex-readers-behind-writer",
    "sql-pool": "sql-pool-exhausted",
    "zap": "log-output-blocked",
}
_STUCK = sorted(name for name in index("go") if name.startswith("go1.26/stuck_") and "minutes" not in name)


@pytest.mark.parametrize("name", _STUCK)
def test_a_stuck_program_is_told_by_the_rule_that_it_was_made_for(name: str) -> None:
    """No other rule speaks of it, and where it may still be healthy none does."""
    pattern = name.removeprefix("go1.26/stuck_").partition(".")[0]
    stuck, _ = _table()[f"go/{name}"]
    assert ({_MADE_FOR[pattern]} if pattern in _MADE_FOR else set()) == stuck


def test_programs_that_have_been_stuck_for_minutes_are_told() -> None:
    """What seconds cannot tell two minutes do: each pattern that waited is found."""
    rows = _table()
    programs, _ = rows["go/go1.26/stuck_minutes.txt.gz"]
    libraries, _ = rows["go/go1.26/stuck_libraries_minutes.txt.gz"]
    assert {
        "exec-waits-for-output",
        "finalizer-stuck",
        "http-response-body-open",
        "http-server-cannot-write",
        "http-server-shutdown",
        "http-server-waits-for-body",
        "io-pipe-writers",
        "sql-pool-exhausted",
        "sql-pool-stuck",
        "sql-rows-open",
        "tls-handshakes",
    } == programs
    assert {
        "errgroup-nested",
        "grpc-flow-control",
        "grpc-graceful-stop",
        "grpc-not-ready",
        "k8s-cache-not-synced",
        "k8s-watch-unread",
        "nats-callback-blocked",
        "sarama-unread",
        "singleflight-waits",
        "sql-driver-connect",
    } == libraries


# -- healthy programs ------------------------------------------------------------------------------------------------

_IDLE = [*sorted(str(Path("go") / name) for name in index("go") if "/idle" in name), "torrents/goroutines.txt"]
_HEALTHY = [
    *_IDLE,
    *sorted(str(path.relative_to(FIXTURES)) for path in FIXTURES.glob("kubo/*quiet*/goroutine.debug*")),
]


@cache
def report_of(path: Path) -> Report:
    """The report on a file, pools and severities included."""
    return scan([str(path)])


def alarms(path: Path) -> list[tuple[str, str, int]]:
    """What a report says above information."""
    found = [finding for snapshot in report_of(path).snapshots for finding in snapshot.findings]
    return [(f.rule.name, f.severity, f.count) for f in found if f.severity != "info"]


@pytest.mark.parametrize("name", _HEALTHY)
def test_a_healthy_program_raises_no_alarm(name: str) -> None:
    """Hundreds of idle connections, workers, subscribers; quiet kubo nodes: nothing above information."""
    assert [] == alarms(FIXTURES / name)


@pytest.mark.parametrize("name", _IDLE)
def test_most_of_an_idle_program_is_set_aside(name: str) -> None:
    """Connections and loops of libraries are known as healthy; a program's own workers, where it has some, stay."""
    (snapshot,) = snapshots(FIXTURES / name)
    healthy = sum(f.count for f in classify(snapshot, catalogue()) if f.rule.kind == "healthy")
    own = 0 if name.startswith("torrents") else 1
    assert 0.5 * len(snapshot.goroutines) < healthy <= len(snapshot.goroutines) - own


# -- dumps that others published -------------------------------------------------------------------------------------

#: What the first finding of a report must be, and how many goroutines it must hold.
_PUBLISHED: Mapping[str, tuple[str, str, int]] = {
    "Autumn-27+ScopeSentry-Scan/goroutine.pprof": ("blocked-while-holding-lock", "error", 14_628),
    "probe-lab+parsec/goroutine": ("libp2p-addrbook-lock", "error", 190_345),
    "giskook+ecs/goroutines.log": ("goroutines-in-one-place", "warning", 5_067),
    "giskook+ecs/goroutines2.log": ("goroutines-in-one-place", "warning", 5_067),
    "wtdcode+erigon/goroutine.txt": ("libp2p-streams-unanswered", "info", 27),
    "crazycs520+tidb/goroutine": ("stuck-waitgroup", "warning", 38),
    "xmge+gonote/pprof/goroutine": ("goroutines-in-one-place", "warning", 2_470),
}
#: Dumps of programs that work, small or large.
_WORKING: Sequence[str] = (
    "DataDog+go-profiler-notes/examples",
    "amckinley+cortex-heap",
    "maruel+panicparse/static_panicweb.extracted.txt",
    "rezmoss+goroscope",
    "uber-go+goleak",
    "zjg555543+transferfile",
    "crazycs520+tidb/executor",
)
needs_corpus = pytest.mark.skipif(CORPUS is None, reason="the shared corpus is out of reach")


@needs_corpus
@pytest.mark.parametrize("name", _PUBLISHED)
def test_a_published_pile_up_is_named_first(name: str) -> None:
    """What a person would say first of these dumps is the report's first finding."""
    assert CORPUS is not None
    (snapshot,) = report_of(CORPUS / "third-party" / name).snapshots
    first = snapshot.findings[0]
    assert _PUBLISHED[name] == (first.rule.name, first.severity, first.count)


@needs_corpus
def test_libp2p_streams_of_a_published_dump_are_named() -> None:
    """Erigon's streams that wait for their peers: few, and one of them for the protocol handshake."""
    assert CORPUS is not None
    (snapshot,) = report_of(CORPUS / "third-party/wtdcode+erigon/goroutine.txt").snapshots
    streams = snapshot.findings[0]
    assert ("libp2p-streams-unanswered", 27) == (streams.rule.name, streams.count)
    assert (1, 26) == (streams.evidence["in the handshake"], streams.evidence["after it"])


@needs_corpus
def test_the_sleepers_of_a_published_torrent_client_are_set_aside() -> None:
    """Erigon downloads with anacrolix/torrent: most of its goroutines sleep until there is something to fetch."""
    assert CORPUS is not None
    (snapshot,) = report_of(CORPUS / "third-party/wtdcode+erigon/goroutine.txt").snapshots
    asleep = next(f for f in snapshot.set_aside if f.rule.name == "idle-torrent-clients")
    assert 12_096 + 2_280 + 1_830 <= asleep.count < 0.9 * snapshot.goroutines


def _working() -> list[Path]:
    if CORPUS is None:
        return []
    files = [path for name in _WORKING for path in sorted((CORPUS / "third-party" / name).rglob("*")) if path.is_file()]
    alone = [CORPUS / "third-party" / name for name in _WORKING if (CORPUS / "third-party" / name).is_file()]
    # No dump at all, a panic, and a test that hangs: it waits for a lock that an earlier statement of its own took.
    others = ("presentation/", "stmtcachetest", ".json")
    return [path for path in files + alone if not any(other in str(path) for other in others)]


@needs_corpus
@pytest.mark.parametrize("path", _working(), ids=lambda path: "/".join(path.parts[-2:]))
def test_a_published_dump_of_a_working_program_raises_no_alarm(path: Path) -> None:
    """Production dumps, tests, examples: nothing above information."""
    assert [] == alarms(path)


# -- what rules ask of a whole dump ----------------------------------------------------------------------------------


def test_a_deadlock_is_told_by_what_the_runtime_said() -> None:
    """One goroutine that waits is no deadlock; the runtime's own words over it are."""
    text = goroutine(1, ["main.main"], state="chan receive")
    rules = [rule for rule in catalogue() if rule.name == "all-asleep-deadlock"]
    assert () == classify(snapshot_of(text), rules)
    (finding,) = classify(snapshot_of(f"fatal error: all goroutines are asleep - deadlock!\n\n{text}"), rules)
    assert 1 == finding.count


# -- the manual's list -----------------------------------------------------------------------------------------------

_MANUAL = ROOT / "docs" / "catalogue.md"


def _listed(kind: str) -> str:
    """The table of one kind of rules, as the manual holds it."""
    rules = sorted((r for r in catalogue() if r.kind == kind), key=lambda r: (SEVERITIES.index(r.severity), r.name))
    rows = [f"| `{r.name}` | {r.severity} | {r.evidence_level} | {r.title} |" for r in rules]
    return "\n".join(["| rule | severity | known from | flags |", "|---|---|---|---|", *rows])


@pytest.mark.generated
@pytest.mark.parametrize("kind", ["stuck", "healthy"])
def test_the_manual_lists_every_rule(kind: str) -> None:
    """``docs/catalogue.md`` names each rule with its severity and how it is known."""
    marker = f"<!-- {kind} -->"
    text = _MANUAL.read_text(encoding="utf-8")
    before, _, after = text.split(marker)
    whole = f"{before}{marker}\n{_listed(kind)}\n{marker}{after}"
    golden(_MANUAL, whole)


# -- what the catalogue needs of the language, and says in verdicts ---------------------------------------------------

_WAIT = ["sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait"]


def _selected(expression: str, text: str) -> list[int]:
    snapshot = snapshot_of(text)
    return select(parse(expression, where="test"), index_of(snapshot))


def test_a_place_is_the_function_that_waits_and_not_how_it_was_reached() -> None:
    """``by place`` groups by the innermost function outside the standard library, whatever called it."""
    stacks = [["main.get", "main.a"], ["main.get", "main.b"], ["main.put", "main.a"]]
    text = "\n".join(goroutine(n, [*_WAIT, *stack], state="semacquire") for n, stack in enumerate(stacks, start=1))
    assert [0, 1] == _selected("count >= 2 by place", text)
    assert [] == _selected("count >= 2 by stack", text)


def test_a_place_within_the_standard_library_is_its_innermost_function() -> None:
    """Where a stack has no frame of anyone else, the innermost outside the runtime stands for it."""
    text = "\n".join(goroutine(n, ["net/http.(*persistConn).writeLoop"]) for n in (1, 2))
    assert [0, 1] == _selected("count >= 2 by place", text)


def _verdict(text: str, tmp_path: Path) -> str:
    path = tmp_path / "dump.txt"
    path.write_text(text)
    return report_of(path).snapshots[0].verdicts[0].text


def test_a_verdict_names_the_place_and_the_longest_wait(tmp_path: Path) -> None:
    """``$place`` and ``$age`` are filled in from what was caught."""
    waiting = [*_WAIT, "example.com/acme/app/batch.(*Job).run", "main.work"]
    text = "\n".join(goroutine(n, waiting, state=f"sync.WaitGroup.Wait, {10 + n} minutes") for n in range(1, 12))
    said = "11 goroutines wait for WaitGroups whose workers do not finish, most in batch.(*Job).run, for up to 21 min"
    assert said == _verdict(text, tmp_path)


def test_a_verdict_leaves_out_the_wait_that_no_one_knows(tmp_path: Path) -> None:
    """Counted text has no minutes: nothing is said of them, least of all that they are none."""
    text = (
        "goroutine profile: total 1600\n1600 @ 0x1001 0x2001 0x3001\n"
        "#\t0x1000\tsync.runtime_SemacquireWaitGroup+0x24\ta.go:1\n"
        "#\t0x2000\tsync.(*WaitGroup).Wait+0x47\tb.go:2\n#\t0x3000\tmain.wait+0x2b\t/src/app/main.go:3\n"
    )
    said = "1,600 goroutines wait for WaitGroups whose workers do not finish, most in main.wait"
    assert said == _verdict(text, tmp_path)


# -- where examples are from -----------------------------------------------------------------------------------------

_FROM_FIXTURES = [(r, e) for r in catalogue() for e in r.examples if e.source.startswith("fixtures/")]


@pytest.mark.parametrize(
    ("rule", "example"), _FROM_FIXTURES, ids=[f"{rule.name}: {example.note}" for rule, example in _FROM_FIXTURES]
)
def test_an_example_stands_in_the_fixture_that_it_names(rule: Rule, example: Example) -> None:
    """What says that a Go runtime printed it can be found there, goroutine by goroutine, to the letter."""
    data = (FIXTURES.parent / example.source).read_bytes()
    printed = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode()
    blocks = example.text.strip("\n").split("\n\n")
    own = [block for block in blocks if not block.startswith("goroutine profile")]
    own += [block.partition("\n")[2] for block in blocks if block.startswith("goroutine profile")]
    assert [] == [block for block in own if block not in printed], rule.name
