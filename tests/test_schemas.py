"""Every JSON output is as its shipped schema says (``stackscan schema``), and has no field that it does not name."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from helpers import FIXTURES, ROOT, json_of, run
from stackscan.analysis.affected import Verdict as Applies
from stackscan.analysis.causes.model import Name as CauseName
from stackscan.analysis.finding import Confidence
from stackscan.analysis.locks.model import Evidence
from stackscan.analysis.locks.model import Kind as LockKind
from stackscan.checks.model import Kind as CheckKind
from stackscan.checks.model import Status
from stackscan.comparison.model import Verdict as ChangeVerdict
from stackscan.errors import StackscanError, UsageError
from stackscan.fleet.model import ChangeKind
from stackscan.fleet.model import Kind as FleetKind
from stackscan.knowledge.configuration import shipped
from stackscan.knowledge.crash import CrashCause
from stackscan.knowledge.rule import EvidenceLevel, Nature, Severity
from stackscan.live import watch as watching
from stackscan.live.history import Level as WatchLevel
from stackscan.live.lines import values_of
from stackscan.live.poll import Answer
from stackscan.live.sample import Failure
from stackscan.live.standing import Event
from stackscan.live.target import Depth, Target
from stackscan.live.watch import News, Settings, Watch
from stackscan.pipeline import Options, show
from stackscan.render.json.schemas import names, schema
from stackscan.report.goroutine import goroutine_json
from stackscan.report.growth.model import Kind as GrowthKind
from stackscan.report.growth.model import Witness
from stackscan.report.model import Level
from stackscan.reproduce.lazy import Shape
from stackscan.reproduce.peers import Kind as PeerKind
from stackscan.reproduce.pool import Ended
from strict import misses, strict

_KUBO: Final = FIXTURES / "kubo"
_STALLED: Final = _KUBO / "v0.40.1-stalled-tcp"
_NOW, _BEFORE = _STALLED / "ipfs-profile-03.zip", _STALLED / "ipfs-profile-01.zip"
_METRICS: Final = sorted((_KUBO / "v0.39.0-quiet").glob("*.prom"))
_GROWTH: Final = sorted((FIXTURES / "growth" / "leak").glob("debug2-*.txt.gz"))
_DEADLOCK: Final = FIXTURES / "go" / "go1.27" / "locks_deadlock_minutes.txt"
_RULES: Final = ROOT / "stackscan" / "knowledge" / "rules"
_HEAD: Final = {"schema_version": 1, "stackscan_version": "1"}
_POOL: Final = ("--silent-fraction", "10%", "--close-deadline", "10s", "--format", "json")


def _sample() -> list[Path]:
    """Small dumps of every kind: two or three of each folder."""
    found = sorted(p for p in FIXTURES.rglob("*") if p.is_file() and p.stat().st_size < 150_000)
    wanted = [p for p in found if p.suffix in (".txt", ".gz", ".zip", ".md", ".jsonl") and "lab" not in p.parts]
    by_folder = dict[Path, list[Path]]()
    for path in wanted:
        by_folder.setdefault(path.parent, []).append(path)
    return [path for paths in by_folder.values() for path in paths[:: max(len(paths) // 2, 1)]]


@pytest.mark.parametrize("name", names())
def test_a_schema_is_one_and_describes_its_fields(name: str) -> None:
    values = json.loads(schema(name))
    Draft202012Validator.check_schema(values)
    assert "https://json-schema.org/draft/2020-12/schema" == values["$schema"]
    assert f"urn:stackscan:schema:{name}:1" == values["$id"]
    assert values["description"]
    outer = [values, *(values["$defs"][part["$ref"].rpartition("/")[2]] for part in values.get("anyOf", []))]
    assert [] == [
        field for each in outer for field, it in each.get("properties", {}).items() if "description" not in it
    ]


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _objects(each)


@pytest.mark.parametrize("name", names())
def test_each_reference_is_defined_and_each_definition_used(name: str) -> None:
    values = json.loads(schema(name))
    used = {each["$ref"] for each in _objects(values) if isinstance(each.get("$ref"), str)}
    assert {f"#/$defs/{each}" for each in values.get("$defs", {})} == used


@pytest.mark.parametrize("name", names())
def test_a_schema_leaves_room_for_new_fields(name: str) -> None:
    """Not one object is closed."""
    assert [] == [each for each in _objects(json.loads(schema(name))) if each.get("additionalProperties") is False]


def test_a_schema_refuses_what_is_wrong() -> None:
    good = json_of(_NOW)
    snapshot = good["snapshots"][0]
    shipped_one = Draft202012Validator(json.loads(schema("report")))
    assert [] == misses("report", good)
    for wrong in (
        good | {"schema_version": 2},
        {field: value for field, value in good.items() if field != "snapshots"},
        good | {"snapshots": [snapshot | {"goroutines": -1}]},
        good | {"snapshots": [snapshot | {"member": 3}]},
        good | {"snapshots": [snapshot | {"findings": [snapshot["findings"][0] | {"severity": "bad"}]}]},
    ):
        assert misses("report", wrong)
        assert not shipped_one.is_valid(wrong)
    for newer in (good | {"new": 1}, good | {"snapshots": [snapshot | {"format": "goroutine-prose", "new": {}}]}):
        assert misses("report", newer)
        assert shipped_one.is_valid(newer)


@pytest.mark.parametrize("path", _sample(), ids=lambda path: str(path.relative_to(FIXTURES)))
def test_reports_and_goroutines(path: Path) -> None:
    try:
        values = json_of(path)
    except StackscanError:
        pytest.skip("not a dump")
    assert [] == misses("report", values)
    lists = [one["goroutine_ids"] for each in values["snapshots"] for one in (*each["findings"], *each["buckets"])]
    for number in [ids[0] for ids in lists if ids][:2]:
        found = {"captures": [goroutine_json(one) for one in show(str(path), number)]}
        assert [] == misses("goroutine", _HEAD | {"schema": "stackscan.goroutine"} | found)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("report", ("report", "--format", "json", "--by", "module", "--where", 'root "(*Server).taskWorker"', _NOW)),
        ("goroutine", ("show", "--format", "json", "1", _NOW)),
        ("check", ("check", "--format", "json", _NOW, _DEADLOCK)),
        ("check", ("check", "--format", "json", _NOW, "missing.txt")),
        ("compare", ("compare", "--format", "json", _BEFORE, _NOW)),
        ("compare", ("compare", "--format", "json", *_GROWTH)),
        ("compare", ("compare", "--format", "json", _NOW, _DEADLOCK)),
        ("fleet", ("fleet", "--format", "json", _STALLED)),
        ("fleet", ("fleet", "--format", "json", "--pattern", "{version}/*", "--threshold", "10", _KUBO)),
        ("rules", ("rules", "--format", "json")),
        ("rules", ("rules", "--format", "json", "bitswap-close-stall")),
        ("rules", ("rules", "--format", "json", "bitswap-task-workers")),
        ("rules-test", ("rules", "test", "--format", "json", _RULES / "bitswap-close-stall.toml")),
        ("pool-project", ("pool", "project", "--rate", "5", *_POOL)),
        ("pool-project", ("pool", "project", "--rate", "500", "--peers", "3", *_POOL)),
        ("pool-project", ("pool", "project", "--rate", "11", "--jump-from", "1%", *_POOL)),
        ("pool-project", ("pool", "project", "--format", "json", "--from", _BEFORE, _NOW)),
        ("pool-project", ("pool", "project", "--format", "json", "--metrics", *_METRICS, "--scrape-interval", "1m")),
        ("pool-plan", ("pool", "plan", "--rate", "5", *_POOL)),
        ("pool-plan", ("pool", "plan", "--rate", "1e6", *_POOL)),
        ("pool-replay", ("pool", "replay", "--tasks", "50", "--budget", "20s", *_POOL)),
        ("pool-replay", ("pool", "replay", "--silent-every", "2", "--budget", "1s", "--format", "json")),
        ("reproduce-close", ("reproduce", "close", "--format", "json", "--read-deadline", "50ms")),
        ("reproduce-close", ("reproduce", "close", "--format", "json", "--cap", "100ms")),
        (
            "reproduce-pool",
            ("reproduce", "pool", "--format", "json", "--tasks", "20", "--close-deadline", "100ms", "--budget", "1s"),
        ),
        ("query", ("query", "--format", "json", "SELECT * FROM pools", _NOW)),
    ],
    ids=lambda value: " ".join(map(str, value[:2])) if isinstance(value, tuple) else value,
)
def test_outputs_of_other_commands(name: str, arguments: tuple[str | Path, ...]) -> None:
    done = run(*arguments)
    assert done.stdout, done.stderr
    assert [] == misses(name, json.loads(done.stdout))


def test_a_rule_that_misses_its_examples(tmp_path: Path) -> None:
    text = (_RULES / "bitswap-close-stall.toml").read_text(encoding="utf-8")
    place = tmp_path / "bitswap-close-stall.toml"
    place.write_text(text.replace("flagged = true", "flagged = false", 1), encoding="utf-8")
    done = run("rules", "test", "--format", "json", place)
    values = json.loads(done.stdout)
    assert values["misses"]
    assert [] == misses("rules-test", values)


def test_ignores_of_a_check(tmp_path: Path) -> None:
    policy = tmp_path / "stackscan.toml"
    policy.write_text(
        '[[check.ignore]]\nfinding = "bitswap-close-stall"\nreason = "known"\nexpires = 2020-01-01\n', encoding="utf-8"
    )
    values = json.loads(run("check", "--format", "json", "--policy", policy, _NOW).stdout)
    assert ["2020-01-01"] == [each["expires"] for each in values["ignores"]]
    assert [] == misses("check", values)


def test_a_store(tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    store = tmp_path / "store"
    assert [] == misses("fleet", json.loads(run("fleet", "--store", store, "--format", "json", _STALLED).stdout))
    for words in (("info",), ("compact", "--keep-files", "0s"), ("expire", "--older-than", "0s"), ("info",)):
        done = run("store", words[0], store, *words[1:], "--format", "json")
        assert [] == misses("store", json.loads(done.stdout)), words


def test_the_lines_of_a_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something appears, stays and goes; the process falls silent and answers again; another one leaks."""
    quiet, stuck = (FIXTURES / "go" / "go1.27" / "deep.txt").read_bytes(), _DEADLOCK.read_bytes()
    failure = Failure(datetime(2026, 4, 22, tzinfo=UTC), "no answer in 5 s", "Is it running?", 5.0)
    lines = [
        *_watched(monkeypatch, [quiet, stuck, stuck, failure, stuck, quiet]),
        *_watched(monkeypatch, [gzip.decompress(path.read_bytes()) for path in _GROWTH]),
    ]
    assert {"appeared", "gone", "changed"} == {line["event"] for line in lines}
    assert any("error" in line for line in lines)
    assert "leak" in {finding["rule"] for line in lines for finding in line["findings"]}
    assert [] == [miss for line in lines for miss in misses("watch", line)]


def test_a_finding_of_a_watch_is_one_of_a_report() -> None:
    """Each field, also of a leak, which no rule catches; beside them is only since when it stands."""
    watched, reported = (json.loads(schema(name))["$defs"]["finding"] for name in ("watch", "report"))
    assert [*reported["required"], "since"] == watched["required"]
    differing = {field for field, it in watched["properties"].items() if it != reported["properties"].get(field)}
    assert {"since", "evidence"} == differing  # the growth of a leak has a rate


def _watched(monkeypatch: pytest.MonkeyPatch, answers: list[Any]) -> list[dict[str, Any]]:
    """The lines of a watch of one process that gives these answers, ten seconds apart."""
    lines: list[dict[str, Any]] = []
    place = 0

    def ask(_: Target, _depth: Depth) -> Answer | Failure:
        found = answers[place]  # a request may be repeated in more depth
        at = datetime(2026, 4, 22, 12, tzinfo=UTC) + timedelta(seconds=10 * place)
        return found if isinstance(found, Failure) else Answer(found, at, 0.01, None)

    def tell(news: News) -> None:
        lines.extend(values_of(news))

    monkeypatch.setattr(watching, "ask", ask)
    watch = Watch([Target.parse("http://127.0.0.1:1")], Settings(10.0), Options(shipped()), tell)
    for place in range(len(answers)):  # noqa: B007 - `ask` reads it
        watch.watchers[0].once()
    return lines


@pytest.mark.parametrize(
    ("name", "path", "kind"),
    [
        ("report", "finding/severity", Severity),
        ("report", "finding/cause", (*get_args(CauseName), *get_args(CrashCause))),
        ("report", "finding/confidence", Confidence),
        ("report", "finding/evidence_level", EvidenceLevel),
        ("report", "applies/verdict", Applies),
        ("report", "lock/kind", LockKind),
        ("report", "candidate/evidence", Evidence),
        ("check", "finding/kind", CheckKind),
        ("check", "finding/status", Status),
        ("compare", "verdict/kind", GrowthKind),
        ("compare", "bucket/verdict", ChangeVerdict),
        ("fleet", "finding/kind", FleetKind),
        ("fleet", "change/kind", ChangeKind),
        ("rules", "rule/kind", Nature),
        ("reproduce-close", "run/peer", tuple(PeerKind)),
        ("reproduce-close", "run/shape", tuple(Shape)),
        ("reproduce-pool", "mode/ended", tuple(Ended)),
    ],
)
def test_lists_of_values_are_those_of_the_code(name: str, path: str, kind: Any) -> None:
    part, _, field = path.partition("/")
    found = json.loads(schema(name))["$defs"][part]["properties"][field]
    wanted = kind if isinstance(kind, tuple) else get_args(kind)
    assert set(wanted) == set(found.get("examples", found.get("enum"))) - {None}


def test_more_lists_of_values() -> None:
    """Those that are deeper in their schemas."""
    watch, compare = json.loads(schema("watch")), json.loads(schema("compare"))
    verdicts = json.loads(schema("report"))["$defs"]["snapshot"]["properties"]["verdicts"]
    age = compare["$defs"]["leak"]["properties"]["witnesses"]["properties"]["age"]
    assert set(get_args(WatchLevel)) == set(watch["properties"]["level"]["enum"])
    assert set(get_args(Event)) == set(watch["properties"]["event"]["enum"])
    assert set(get_args(Level)) == set(verdicts["items"]["properties"]["level"]["enum"])
    assert set(get_args(Witness)) == set(age["enum"])


def test_every_json_output_has_a_schema() -> None:
    """One for each module that renders JSON, by its name there."""
    modules = {path.stem for path in (ROOT / "stackscan/render/json").glob("*.py")} - {"__init__", "write"}
    called = {"batch": "pool-replay", "plan": "pool-plan", "projection": "pool-project", "trial": "rules-test"}
    wanted = {called.get(module, module) for module in modules - {"reproduce"}} | {"reproduce-close", "reproduce-pool"}
    assert wanted | {"watch", "query"} == set(names())


def test_the_command() -> None:
    assert "".join(f"{name}\n" for name in names()) == run("schema").stdout
    assert schema("report") == run("schema", "report").stdout
    refused = run("schema", "nonsense")
    assert 2 == refused.returncode
    assert "Schemas: check, compare" in refused.stderr
    with pytest.raises(UsageError):
        schema("../../../../pyproject")


def test_the_strict_variant_is_stricter() -> None:
    assert strict("query").is_valid([{"any": 1}])
    assert not strict("rules-test").is_valid({"rule": "a", "examples": 1, "misses": [], "new": 1})
