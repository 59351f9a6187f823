"""The rules: their own examples, real kubo nodes counted by hand, and what a wrong rule file says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from helpers import CORPUS, Capture, captures, goroutine, rendered, snapshot_of
from stackscan import formats
from stackscan.analysis.affected import go_version
from stackscan.analysis.classify import classify
from stackscan.analysis.finding import Finding
from stackscan.errors import CatalogueError, ExpressionError
from stackscan.knowledge.descriptions import read_files, read_text
from stackscan.knowledge.examples import Example
from stackscan.knowledge.rule import Rule, catalogue, read_rule
from stackscan.model.snapshot import Frame, Snapshot, Stack
from stackscan.model.table import Table
from stackscan.pipeline import scan
from stackscan.report import verdict

STALL = "bitswap-close-stall"
UNBOUNDED = "bitswap-close-unbounded"
CLOSERS = "bitswap-detached-closers"
_CAPTURES = captures()
_EXAMPLES = [(rule, example) for rule in catalogue() for example in rule.examples]

_CLOSE = "github.com/multiformats/go-multistream.(*lazyClientConn[...]).Close"
_READ = "github.com/multiformats/go-multistream.(*lazyClientConn[...]).doReadHandshake"
_WRITE = "github.com/multiformats/go-multistream.(*lazyClientConn[...]).Write.func1"
_ONCE = "github.com/multiformats/go-multistream.(*once).Do"
_WORKER = "github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker"
_YAMUX = "github.com/libp2p/go-yamux/v5.(*Stream).Read"
_QUIC = "github.com/quic-go/quic-go.(*ReceiveStream).readImpl"
_START = "github.com/ipfs/boxo/bitswap/server.(*Server).startWorkers"
_CLOSER = "github.com/ipfs/boxo/bitswap/network/bsnet.closeStreamAsync.func1"


@cache
def findings(path: Path) -> dict[str, Finding]:
    """The findings of a file's only snapshot, by rule."""
    (snapshot,) = scan([str(path)]).snapshots
    return {finding.rule.name: finding for finding in snapshot.findings}


def found_in(text: str, rules: Iterable[Rule] | None = None) -> dict[str, Finding]:
    """What the rules find in a text."""
    return {f.rule.name: f for f in classify(snapshot_of(text), catalogue() if rules is None else rules)}


def transports(**counts: int) -> dict[str, int]:
    """Transports with a count that is not zero."""
    return {name: count for name, count in counts.items() if count}


# -- the catalogue's own examples ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "example"), _EXAMPLES, ids=[f"{rule.name}: {ex.note or ex.flagged}" for rule, ex in _EXAMPLES]
)
def test_an_example_is_flagged_as_its_rule_says(rule: Rule, example: Example) -> None:
    """Each rule file holds dumps that it must flag and dumps that it must not."""
    snapshot = snapshot_of(example.dump)
    assert snapshot.complete
    assert not snapshot.problems
    assert example.flagged is bool(classify(snapshot, [rule]))


@pytest.mark.parametrize("rule", catalogue(), ids=lambda rule: rule.name)
def test_a_rule_says_all_that_its_reader_needs(rule: Rule) -> None:
    """Each rule has a title, a why, a fix, a reference that can be opened, and examples of both kinds."""
    assert rule.title
    assert rule.why.strip()
    assert rule.fix.strip()
    assert rule.references
    assert all(reference.startswith("https://") for reference in rule.references)
    assert {True, False} == {example.flagged for example in rule.examples}


def test_the_rules_of_the_contract_ship() -> None:
    """Scripts rely on these names and severities."""
    assert {STALL: "error", UNBOUNDED: "error", CLOSERS: "info"}.items() <= {
        r.name: r.severity for r in catalogue()
    }.items()


# -- real nodes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capture", _CAPTURES, ids=str)
def test_the_stall_is_counted_as_by_hand(capture: Capture) -> None:
    """Workers, their two shapes, companions and transports agree with what was counted in the text by hand."""
    hand = capture.hand
    stall = findings(capture.path).get(STALL)
    if not hand["workers_stalled"]:
        assert stall is None
        return
    assert stall is not None
    assert hand["workers_stalled"] == stall.count
    expected = {
        "workers": hand["workers_stalled"],
        "reading": hand["workers_stalled_reading"],
        "waiting": hand["workers_stalled_waiting"],
        "companions": hand["companions_of_stalled_workers"],
        "transports": transports(quic=hand["stall_reads_over_quic"], yamux=hand["stall_reads_over_yamux"]),
        "longest_wait_minutes": hand["workers_stalled_longest_minutes"] or None,
    }
    assert expected == dict(stall.evidence)
    assert len(stall.goroutine_ids) == hand["workers_stalled"]


@pytest.mark.parametrize("capture", _CAPTURES, ids=str)
def test_minutes_in_close_mean_that_no_deadline_is_in_force(capture: Capture) -> None:
    """The unbounded rule fires on nodes before v0.40 once a minute has passed, and on no other."""
    unbounded = findings(capture.path).get(UNBOUNDED)
    minutes = capture.hand["workers_stalled_longest_minutes"]
    assert bool(minutes) is (unbounded is not None)
    if unbounded is not None:
        assert capture.shape == "unbounded"
        assert minutes == unbounded.evidence["longest_wait_minutes"]
        assert 0 < unbounded.count <= capture.hand["workers_stalled"]


@pytest.mark.parametrize("capture", _CAPTURES, ids=str)
def test_detached_closers_are_counted_as_by_hand(capture: Capture) -> None:
    """Closers of the fix, their shapes, companions and transports agree with what was counted by hand."""
    hand = capture.hand
    closers = findings(capture.path).get(CLOSERS)
    if not hand["closers"]:
        assert closers is None
        return
    assert closers is not None
    assert hand["closers"] == closers.count
    expected = {
        "closers": hand["closers"],
        "reading": hand["closers_reading"],
        "waiting": hand["closers_waiting"],
        "companions": hand["companions"],
        "transports": transports(
            quic=hand["closers_and_companions_reads_over_quic"], yamux=hand["closers_and_companions_reads_over_yamux"]
        ),
        "longest_wait_minutes": hand["closers_longest_minutes"] or None,
    }
    assert expected == dict(closers.evidence)


@pytest.mark.parametrize("capture", [c for c in _CAPTURES if c.shape == "quiet"], ids=str)
def test_a_quiet_node_has_no_errors(capture: Capture) -> None:
    """A node that serves its peers is not accused of anything (a closer may pass by: that is information)."""
    assert {CLOSERS} >= set(findings(capture.path))


@pytest.mark.parametrize("capture", [c for c in _CAPTURES if c.shape in ("stalled", "unbounded")], ids=str)
def test_a_stalled_node_has_all_its_workers_in_the_finding(capture: Capture) -> None:
    """In a full stall every worker is counted, each with the one companion that its Write started."""
    stall = findings(capture.path)[STALL]
    assert capture.hand["workers"] == stall.count == stall.evidence["companions"]
    assert {"tcp": "yamux", "quic": "quic"}[capture.transport] in stall.evidence["transports"]  # type: ignore[operator]


@pytest.mark.parametrize("capture", [c for c in _CAPTURES if c.shape == "fixed"], ids=str)
def test_a_fixed_node_stalls_no_worker(capture: Capture) -> None:
    """With the fix, silent peers show as closers, and as nothing else."""
    assert [CLOSERS] == list(findings(capture.path))


# -- the stall with go-multistream, go-yamux and quic-go under thin shims --------------------------------------------

_SHIM = [
    ("go121_ms060_yamux5_sync_variantA_syncOnce.stacks", STALL, 12, 12, 0, "yamux"),
    ("go124_ms060_yamux5_sync_variantA_syncOnce.stacks", STALL, 12, 12, 0, "yamux"),
    ("go124_ms060_yamux5_sync_variantB_syncOnce.stacks", STALL, 12, 0, 12, "yamux"),
    ("go126_ms061_yamux5_sync_stalled.stacks", STALL, 12, 12, 0, "yamux"),
    ("go126_ms061_yamux5_sync_variantB.stacks", STALL, 12, 0, 12, "yamux"),
    ("go126_ms061_rawtcp_sync_stalled.stacks", STALL, 12, 12, 0, "tcp"),
    ("go126_ms061_quic059_sync_stalled.stacks", STALL, 4, 1, 3, "quic"),
    ("go126_ms061_yamux5_async_detached.stacks", CLOSERS, 40, None, None, "yamux"),
    ("go126_ms061_quic059_async_detached.stacks", CLOSERS, 8, None, None, "quic"),
]


@pytest.mark.skipif(CORPUS is None, reason="the shared corpus is out of reach")
@pytest.mark.parametrize(
    ("name", "rule", "count", "reading", "waiting", "transport"), _SHIM, ids=[row[0] for row in _SHIM]
)
def test_the_stall_in_other_versions_and_transports(
    name: str, rule: str, count: int, reading: int | None, waiting: int | None, transport: str
) -> None:
    """Both shapes of the stall, with sync.Once and without, over yamux, QUIC and plain TCP, are told apart."""
    assert CORPUS is not None
    found = findings(CORPUS / "kubo-shim" / name)
    assert [rule] == list(found)
    evidence = found[rule].evidence
    assert count == found[rule].count == evidence["companions"]
    assert {transport: count} == evidence["transports"]
    if reading is not None:
        assert (reading, waiting) == (evidence["reading"], evidence["waiting"])
    assert evidence["reading"] + evidence["waiting"] == count  # type: ignore[operator]


@pytest.mark.skipif(CORPUS is None, reason="the shared corpus is out of reach")
def test_the_stall_in_a_sigquit_dump() -> None:
    """Runtime frames, wrappers and frame addresses of a crash dump hide nothing from the rules."""
    assert CORPUS is not None
    path = CORPUS / "kubo-shim" / "go126_sigquit_format.txt"
    workers = sum(1 for block in path.read_text().split("\n\n") if ".taskWorker(" in block and ").Close(" in block)
    (snapshot,) = formats.read(path.read_bytes(), where="sigquit")
    found = {finding.rule.name: finding for finding in classify(snapshot, catalogue())}
    assert workers == (found[STALL].count if STALL in found else 0)


# -- who is counted, and who is not ----------------------------------------------------------------------------------


def _stalled_worker(number: int, *, waiting: bool = False, state: str = "select") -> str:
    inner = [_ONCE] if waiting else [_YAMUX, _READ, _ONCE]
    return goroutine(number, [*inner, _CLOSE, _WORKER], state=state, creator=_START, creator_id=1)


def _companion(number: int, worker: int, *, reads: str | None = None) -> str:
    return goroutine(number, [*([reads, _READ] if reads else []), _ONCE], creator=_WRITE, creator_id=worker)


def test_workers_are_not_counted_by_their_companions() -> None:
    """A companion is the worker's, not a worker: two workers with companions are two."""
    text = "\n".join(
        (_stalled_worker(5), _stalled_worker(6, waiting=True), _companion(7, 5), _companion(8, 6, reads=_QUIC))
    )
    stall = found_in(text)[STALL]
    assert stall.count == 2
    assert (5, 6) == stall.goroutine_ids
    expected = {
        "workers": 2,
        "reading": 1,
        "waiting": 1,
        "companions": 2,
        "transports": {"quic": 1, "yamux": 1},
        "longest_wait_minutes": None,
    }
    assert expected == dict(stall.evidence)


@pytest.mark.parametrize(
    "package", ["boxo/bitswap/server", "go-bitswap/server", "go-libipfs/bitswap/server"], ids=lambda name: name[:8]
)
def test_the_stall_where_bitswap_lived_before(package: str) -> None:
    """The worker moved from go-bitswap to go-libipfs to boxo; its name stayed."""
    text = _stalled_worker(5).replace("boxo/bitswap/server", package)
    assert found_in(text)[STALL].count == 1


def test_companions_alone_are_no_finding() -> None:
    """A companion that still reads after its worker went on is nobody's stall."""
    assert {} == found_in("\n".join((_companion(7, 5), _companion(8, 6, reads=_YAMUX))))


def test_companions_of_others_do_not_count() -> None:
    """Companions that some other goroutine created belong to another stream."""
    text = "\n".join((_stalled_worker(5), _companion(7, 5), _companion(8, 99), _companion(9, 98, reads=_QUIC)))
    evidence = found_in(text)[STALL].evidence
    assert evidence["companions"] == 1
    assert {"yamux": 1} == evidence["transports"]


@pytest.mark.parametrize(
    "owner",
    [
        "github.com/libp2p/go-libp2p-kad-dht/internal/net.(*messageSenderImpl).SendMessage",
        "github.com/ipfs/boxo/bitswap/client/internal/messagequeue.(*MessageQueue).sendMessage",
        "github.com/libp2p/go-libp2p-pubsub.(*PubSub).handleSendingMessages",
        "main.(*Server).taskWorker",
        "github.com/ipfs/boxo/bitswap/server/internal/decision.(*Engine).taskWorker",
    ],
)
def test_other_owners_of_such_a_stream_are_not_flagged(owner: str) -> None:
    """The same wait in Close is not the bitswap stall when somebody else closes."""
    assert {} == found_in(goroutine(5, [_YAMUX, _READ, _ONCE, _CLOSE, owner], state="select, 9 minutes"))


def test_a_worker_that_only_writes_is_not_flagged() -> None:
    """A worker inside Write of the same kind of stream sends; it is not closing."""
    write = "github.com/multiformats/go-multistream.(*lazyClientConn[...]).Write"
    assert {} == found_in(goroutine(5, [_YAMUX, write, _WORKER]))


def test_a_worker_past_the_handshake_is_not_flagged() -> None:
    """A worker that has its answer and now tears the stream down is about to be free: no peer holds it."""
    tearing_down = ["github.com/libp2p/go-libp2p/p2p/net/swarm.(*Stream).Close", _CLOSE, _WORKER]
    assert {} == found_in(goroutine(5, tearing_down, state="runnable"))


def test_an_unknown_transport_is_said_to_be_unknown() -> None:
    """A worker that reads from something new is counted, over ``unknown``."""
    evidence = found_in(goroutine(5, ["example.com/carrier.(*Pigeon).Read", _READ, _ONCE, _CLOSE, _WORKER]))[
        STALL
    ].evidence
    assert {"unknown": 1} == evidence["transports"]


def test_companions_are_unknown_where_goroutines_do_not_name_their_creator() -> None:
    """Before Go 1.21 nothing links a companion to its worker: their number is unknown, not zero."""
    text = "\n".join(
        (
            goroutine(5, [_YAMUX, _READ, _ONCE, _CLOSE, _WORKER], creator=_START),
            goroutine(7, [_ONCE], creator=_WRITE),
        )
    )
    assert found_in(text)[STALL].evidence["companions"] is None


def test_closers_do_not_make_workers() -> None:
    """A detached closer is counted as such, with its companion, and stalls nobody."""
    closer = goroutine(9, [_ONCE, _CLOSE, _CLOSER], creator=_CLOSER.removesuffix(".func1"), creator_id=5)
    found = found_in("\n".join((closer, _companion(10, 5, reads=_YAMUX))))
    assert [CLOSERS] == list(found)
    assert {"closers": 1, "reading": 0, "waiting": 1, "companions": 1}.items() <= found[CLOSERS].evidence.items()
    assert {"yamux": 1} == found[CLOSERS].evidence["transports"]


def test_unbounded_counts_only_those_who_waited_a_minute() -> None:
    """Of two stalled workers, one in its first minute, only the other shows that no deadline is in force."""
    found = found_in("\n".join((_stalled_worker(5, state="select, 1 minutes"), _stalled_worker(6))))
    assert found[STALL].count == 2
    assert (5,) == found[UNBOUNDED].goroutine_ids
    assert found[UNBOUNDED].evidence["longest_wait_minutes"] == 1


def test_findings_stand_in_order_of_severity_then_count() -> None:
    """What to act on comes first, and of two errors the larger one."""
    closers = [goroutine(n, [_ONCE, _CLOSE, _CLOSER]) for n in range(100, 120)]
    workers = [_stalled_worker(5, state="select, 1 minutes"), _stalled_worker(6)]
    found = classify(snapshot_of("\n".join((*closers, *workers))), tuple(reversed(catalogue())))
    assert [STALL, UNBOUNDED, CLOSERS] == [finding.rule.name for finding in found]


def test_at_most_twenty_ids_are_kept() -> None:
    """A finding counts all and names the first twenty."""
    stall = found_in("\n".join(_stalled_worker(n) for n in range(1, 31)))[STALL]
    assert stall.count == 30
    assert tuple(range(1, 21)) == stall.goroutine_ids


@pytest.mark.parametrize(
    ("stalled", "workers", "severity", "words"),
    [
        (1, 12, "info", "in the handshake of a stream's Close: a round trip, or a peer that does not answer"),
        (2, 12, "info", "a round trip"),
        (3, 12, "warning", "peers that never answer"),
        (4, 12, "error", "peers that never answer"),
        (1, 4, "warning", "is stuck closing a stream to a peer that never answers"),
        (12, 12, "error", "peers that never answer"),
    ],
)
def test_a_stall_weighs_by_its_share_of_the_pool(
    tmp_path: Path, stalled: int, workers: int, severity: str, words: str
) -> None:
    """A healthy node may show a worker or two within a handshake's round trip: no alarm, and nothing claimed."""
    idle = [goroutine(n, [_WORKER], creator=_START, creator_id=1) for n in range(stalled, workers)]
    path = tmp_path / "goroutines.stacks"
    path.write_text("\n".join([*(_stalled_worker(n + 100) for n in range(stalled)), *idle]))
    (snapshot,) = scan([str(path)]).snapshots
    assert [(STALL, severity)] == [(f.rule.name, f.severity) for f in snapshot.findings]
    assert f"{stalled} of {workers} bitswap task workers" in snapshot.verdicts[0].text
    assert words in snapshot.verdicts[0].text
    (finding,) = snapshot.findings
    assert ("round trip" in finding.title) == (severity == "info")
    for output in ("text", "markdown", "json"):
        assert finding.title in " ".join(rendered(scan([str(path)]), output).split())


def test_the_smallest_share_that_holds_decides() -> None:
    """In whatever order a file lists them."""
    steps = "".join(
        f'[[minor]]\nbelow_share = {share}\nseverity = "{severity}"\n'
        for share, severity in ((0.5, "warning"), (0.1, "info"))
    )
    text = _GOOD.replace("when =", 'pool = "bitswap-task-workers"\nwhen =').replace(
        "[[example]]", f"{steps}[[example]]", 1
    )
    rule = read_rule(read_text(text, where="my-rule.toml"))
    assert [(0.1, "info", "a title"), (0.5, "warning", "a title")] == [
        (minor.below_share, minor.severity, minor.verdict) for minor in rule.minor
    ]


# -- wrong rule files ------------------------------------------------------------------------------------------------

_GOOD = """
name = "my-rule"
severity = "warning"
title = "a title"
why = "a why"
fix = "a fix"
references = ["https://example.com"]
when = 'stack "main.stuck"'
[[example]]
flagged = true
text = "goroutine 1 [select]:\\nmain.stuck()\\n\\t/x.go:1 +0x1\\n"
[[example]]
flagged = false
text = "goroutine 1 [select]:\\nmain.other()\\n\\t/x.go:1 +0x1\\n"
"""


def test_a_rule_is_one_small_file() -> None:
    """The smallest rule: a name, a severity, what it means and does, a pattern and its two examples."""
    rule = read_rule(read_text(_GOOD, where="my-rule.toml"))
    assert ("my-rule", "stuck", "warning", "goroutines", None) == (
        rule.name, rule.kind, rule.severity, rule.noun, rule.pool,
    )  # fmt: skip
    assert 1 == found_in(rule.examples[0].text, [rule])["my-rule"].count


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('severity = "warning"', 'severity = "fatal"', ["severity", "fatal", "error, warning, info"]),
        ('severity = "warning"', "", ["severity"]),
        ('title = "a title"', 'title = ""', ["title"]),
        ('why = "a why"', "why = 7", ["why"]),
        ('fix = "a fix"', "", ["fix"]),
        ('references = ["https://example.com"]', 'references = "https://example.com"', ["references"]),
        ('name = "my-rule"', 'name = "my-rule"\nnuon = "workers"', ["'nuon'", "'noun'"]),
        ("flagged = true", "flagged = false", ["example", "flagged"]),
        ("flagged = true", 'flagged = "yes"', ["flagged", "example 1"]),
        ("flagged = false", "flaged = false", ["'flaged'", "'flagged'", "example 2"]),
        ("when = 'stack \"main.stuck\"'", "when = []", ["when"]),
        ("when = 'stack \"main.stuck\"'", "", ["when"]),
        ("when = 'stack \"main.stuck\"'", "wen = 'leaked'", ["'when'", "'wen'"]),
        ('fix = "a fix"', 'fix = "a fix"\nkind = "sick"', ["kind", "stuck, healthy", "sick"]),
        ('fix = "a fix"', 'fix = "a fix"\nkind = "healthy"', ["healthy", "info", "warning"]),
        ('fix = "a fix"', 'fix = "a fix"\nevidence_level = "hearsay"', ["evidence_level", "reproduced"]),
        ('fix = "a fix"', 'fix = "a fix"\naffected = ["boxo"]', ["affected", "'boxo'"]),
        ('fix = "a fix"', 'fix = "a fix"\nshapes = "lazy-shape"', ["'lazy-shape'", "'lazy-shapes'"]),
        ('fix = "a fix"', 'fix = "a fix"\nminor = { below_share = 0.2, severity = "info" }', ["'minor'", "'pool'"]),
        (
            "[[example]]",
            'pool = "p"\n' + 2 * '[[minor]]\nbelow_share = 0.2\nseverity = "info"\n' + "[[example]]",
            ["two 'minor'"],
        ),
        ("[[example]]", "[example]", []),
        ('name = "my-rule"', 'name = "my-rule', []),
    ],
)
def test_a_wrong_rule_file_says_where_and_what(old: str, new: str, words: list[str]) -> None:
    """The error names the file and the key, and for a key it does not know the one that was meant."""
    with pytest.raises(CatalogueError, match=r"^my-rule\.toml") as caught:
        read_rule(read_text(_GOOD.replace(old, new, 1), where="my-rule.toml"))
    for word in words:
        assert word in str(caught.value)
    assert caught.value.hint


def test_a_wrong_expression_says_where_in_it() -> None:
    """The error names the file and the key, the line and the column, and shows the place."""
    text = _GOOD.replace("when = 'stack \"main.stuck\"'", "when = '''\nstack \"main.stuck\"\n  and minuts >= 5\n'''")
    with pytest.raises(ExpressionError) as caught:
        read_rule(read_text(text, where="my-rule.toml"))
    assert str(caught.value).startswith("my-rule.toml, 'when': line 2, column 7: ")
    assert "did you mean 'minutes'?" in str(caught.value)
    assert ("  and minuts >= 5", "      ^") == caught.value.excerpt


def test_a_wrong_shape_says_which_one() -> None:
    """Inside a list of tables, the error says which table."""
    text = _GOOD + "[[shape]]\nname = 'reading'\nwhen = 'innermost \"main.a\"'\n[[shape]]\nname = 'waiting'\nwen = []\n"
    with pytest.raises(CatalogueError, match=r"my-rule\.toml, shape 2: .*when"):
        read_rule(read_text(text, where="my-rule.toml"))


@pytest.mark.parametrize(("key", "typo"), [("severity", "severty"), ("[[example]]", "[[exampel]]"), ("why =", "wyh =")])
def test_a_misspelt_required_key_is_recognised(key: str, typo: str) -> None:
    """A typo in a key that must be there is shown as the typo that it is."""
    with pytest.raises(CatalogueError, match=typo.strip("[] =")):
        read_rule(read_text(_GOOD.replace(key, typo), where="my-rule.toml"))


def test_examples_come_last(tmp_path: Path) -> None:
    """They are read when they are asked for; what would stand behind them would not be seen, and is refused."""
    (tmp_path / "my-rule.toml").write_text(_GOOD)
    (tmp_path / "other.toml").write_text(_GOOD + "[[shape]]\nname = 'x'\nwhen = 'leaked'\n")
    good, bad = read_files(tmp_path)
    assert 2 == len(read_rule(good).examples)
    with pytest.raises(CatalogueError, match=r"^other\.toml: .*last"):
        _ = read_rule(bad).examples


def test_an_example_may_stand_for_many() -> None:
    """The goroutines of an example are taken so many times, each with an id of its own, with its own creator."""
    text = goroutine(7, ["main.f"]) + "\n" + goroutine(9, ["main.g"], creator="main.f", creator_id=7)
    table = snapshot_of(Example(flagged=True, text=text, note="", times=3).dump).goroutines
    assert [7, 9, 17, 19, 27, 29] == table["goroutine_id"].to_list()
    assert [None, 7, None, 17, None, 27] == table["creator_id"].to_list()


def test_versions_tell_whether_a_program_has_the_defect() -> None:
    """A finding says whether the versions in the dump's paths are among those that have the defect."""
    affected = 'fix = "a fix"\naffected = ["example.com/m >=1.2.0 <1.4.0", "go <1.20"]\nfixed = "m 1.4"'
    rule = read_rule(read_text(_GOOD.replace('fix = "a fix"', affected), where="my-rule.toml"))
    snapshot = snapshot_of(rule.examples[0].text)
    for versions, expected in (
        ({"example.com/m": "v1.3.1"}, ("affected", "example.com/m v1.3.1")),
        ({"example.com/m": "v1.4.0"}, ("not affected", "example.com/m v1.4.0")),
        ({"example.com/m": "v1.4.0", "go": "1.19.3"}, ("affected", "go 1.19.3")),
        ({"example.com/m": "(devel)"}, None),
        ({}, None),
    ):
        (finding,) = classify(snapshot, [rule], versions=versions)
        assert expected == finding.applies


@pytest.mark.parametrize(
    ("file", "version"),
    [
        ("/usr/lib/go-1.19/src/net/http/server.go", "1.19"),
        ("/usr/local/go1.21.5/src/net/http/server.go", "1.21.5"),
        ("/root/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.23.4.linux-amd64/src/runtime/proc.go", "1.23.4"),
        ("/usr/local/go/src/net/http/server.go", None),
        ("/home/me/go1.19/app/main.go", None),
    ],
)
def test_paths_of_the_library_tell_the_go_version(file: str, version: str | None) -> None:
    """Where Go itself lies often says which one it is."""
    assert version == go_version(Snapshot("text", Table.empty(), (Stack((Frame("net/http.x", file, 1),)),)))


def test_rule_files_are_read_by_name(tmp_path: Path) -> None:
    """All ``*.toml`` files of the folder are read, in the order of their names; an error names its file."""
    (tmp_path / "b.toml").write_text(_GOOD)
    (tmp_path / "a.toml").write_text(_GOOD)
    (tmp_path / "notes.txt").write_text("not a rule")
    assert ["a.toml", "b.toml"] == [table.where for table in read_files(tmp_path)]
    (tmp_path / "c.toml").write_text("name =")
    with pytest.raises(CatalogueError, match=r"^c\.toml"):
        list(read_files(tmp_path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 goroutines wait for a mutex, most in main.f", "1 goroutine waits for a mutex, in main.f"),
        ("1 queries have waited for up to 3 min", "1 query has waited for up to 3 min"),
        ("1 goroutines are parked, most in main.f; most in g", "1 goroutine is parked, in main.f; in g"),
        ("1 name look-ups wait for the resolver", "1 name look-up waits for the resolver"),
        ("1 batches wait", "1 batch waits"),
        ("1 processes have waited", "1 process has waited"),
        ("1 handlers have been unable to write their answer", "1 handlers have been unable to write their answer"),
        ("1 event handlers of informers are registered", "1 event handlers of informers are registered"),
        ("1 of 12 bitswap task workers are stuck", "1 of 12 bitswap task workers are stuck"),
        ("1 × many goroutines wait", "1 × many goroutines wait"),
    ],
)
def test_one_goroutine_is_told_as_one(text: str, said: str) -> None:
    """Verdicts are written for many; one is not they."""
    assert said == verdict._of_one(text)
