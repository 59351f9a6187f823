"""``stackscan check``: what fails, what passes, what can never pass; policies, baselines, ignores."""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import DUMP, FIXTURES, assert_refused, goroutine, run
from stackscan.api import check
from stackscan.checks import (
    Baseline,
    CheckResult,
    Policy,
    build_baseline,
    find_policy,
    read_baseline,
    read_policy,
    write_baseline,
)
from stackscan.checks.baseline import Known
from stackscan.checks.policy import Growth
from stackscan.errors import BaselineError, PolicyError, StackscanError
from stackscan.knowledge.configuration import find, load, shipped
from stackscan.knowledge.descriptions import read_text
from stackscan.knowledge.pool import catalogue as pool_catalogue
from stackscan.knowledge.rule import catalogue as rule_catalogue

KUBO = FIXTURES / "kubo"
STALLED = KUBO / "v0.40.1-stalled-tcp" / "stack-02.txt.gz"
QUIET = KUBO / "v0.41.0-quiet" / "stack-01.txt.gz"
RULES = [rule.name for rule in rule_catalogue()]
OWN_POOL = "[[pool]]\nname = 'mine'\ntitle = 'my workers'\nworker = 'root \"main.worker\"'\n"
POOLS = [pool.name for pool in pool_catalogue()]


def policy_of(text: str) -> Policy:
    """The policy that a [check] table's text describes."""
    return read_policy(read_text(text, where="policy"), rules=RULES, pools=POOLS)


def dump_of(path: Path, **counts: int) -> Path:
    """A dump with so many goroutines in a function of each name, all created by main.start."""
    ids = iter(range(1, 100_000))
    blocks = [
        goroutine(next(ids), [f"app.{name}", "app.loop"], creator="app.start", creator_id=1)
        for name, count in counts.items()
        for _ in range(count)
    ]
    path.write_text("\n".join(blocks))
    return path


def checked(*sources: Path, tmp_path: Path, policy: str = "", **options: Any) -> CheckResult:
    """The outcome of a check under a policy's text."""
    file = tmp_path / "policy.toml"
    file.write_text(policy)
    result, _ = check([str(source) for source in sources], policy=file, **options)
    return result


def known_from(path: Path, *sources: Path) -> Path:
    """The baseline that --write-baseline makes of some sources."""
    _, new = check([str(source) for source in sources], accept=True)
    with path.open("w") as out:
        write_baseline(new, out)
    return path


def told(result: CheckResult) -> list[tuple[str, str, bool]]:
    """Name, status and whether it fails, of every finding."""
    return [(f.name, f.status, f.fails) for capture in result.captures for f in capture.findings]


# -- the lab: stalled fails, fixed and quiet pass ----------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "code"), [("stalled", 1), ("unbounded", 1), ("fixed", 0), ("quiet", 0), ("busy", 0)])
def test_the_labs_captures_fail_where_they_are_stalled(shape: str, code: int, tmp_path: Path) -> None:
    """Every run of the lab, in full text, counted text, protobuf and as a bundle."""
    folders = sorted(KUBO.glob(f"*{shape}*"))
    names = (
        "goroutine.debug2-02.txt.gz",
        "goroutine.debug1-01.txt.gz",
        "goroutine.debug0-01.pb.gz",
        "ipfs-profile-01.zip",
    )
    codes = {
        f"{folder.name}/{name}": checked(folder / name, tmp_path=tmp_path).exit_code
        for folder in folders
        for name in names
    }
    assert codes == {f"{folder.name}/{name}": code for folder in folders for name in names}
    assert codes


def test_the_exit_code_is_the_worst_of_all_sources(tmp_path: Path) -> None:
    """A source that cannot be read goes before one that fails, which goes before those that pass; all are reported."""
    assert run("check", QUIET).returncode == 0
    done = run("check", QUIET, STALLED)
    assert done.returncode == 1
    assert "1 of 2 captures fails" in done.stdout
    assert "bitswap-close-stall" in done.stdout
    missing = tmp_path / "missing.stacks"
    done = run("check", QUIET, STALLED, missing)
    assert done.returncode == 2
    assert "bitswap-close-stall" in done.stdout
    assert f"{missing} does not exist" in " ".join(done.stdout.split())
    assert f"stackscan: {missing} does not exist" in done.stderr


# -- what can never pass -----------------------------------------------------------------------------------------------


def test_an_empty_capture_never_passes(tmp_path: Path) -> None:
    """An empty file, an empty pipe, noise, and a dump without goroutines are 2, with nothing on standard output."""
    empty = tmp_path / "empty.stacks"
    empty.write_bytes(b"")
    assert_refused(run("check", empty), str(empty))
    assert_refused(run("check", "-"))
    noise = tmp_path / "noise.txt"
    noise.write_text("404 page not found\n")
    assert_refused(run("check", noise), str(noise))
    none = FIXTURES / "go" / "go1.27" / "panic_nilderef_none.txt"
    done = run("check", none)
    assert done.returncode == 2
    assert "no goroutine" in done.stderr


def test_a_cut_archive_never_passes(tmp_path: Path) -> None:
    """A bundle or a gzip file that lacks its end is 2, whatever the rest of it says; what was found is still told."""
    whole = (KUBO / "v0.41.0-quiet" / "ipfs-profile-01.zip").read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole[: len(whole) * 9 // 10])
    done = run("check", cut)
    assert done.returncode == 2
    assert "is cut" in done.stderr
    assert "✓" not in done.stdout
    assert "0 captures pass; 1 input cannot be checked" in done.stdout
    packed = tmp_path / "cut.gz"
    packed.write_bytes(STALLED.read_bytes()[:-2000])
    done = run("check", packed)
    assert done.returncode == 2
    assert "is cut" in done.stderr
    assert "bitswap-close-stall" in done.stdout


def test_a_cut_member_of_a_whole_archive_never_passes(tmp_path: Path) -> None:
    """A zip that is whole and holds a gzip file that is not."""
    bundle = tmp_path / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("one.stacks", DUMP)
        archive.writestr("two.stacks.gz", gzip.compress(DUMP.encode() * 20)[:-30])
    assert checked(bundle, tmp_path=tmp_path).exit_code == 2


def test_a_source_that_cannot_be_read_leaves_no_output(tmp_path: Path) -> None:
    """When nothing at all could be judged, no file appears and no baseline is written."""
    out, known = tmp_path / "out.xml", tmp_path / "known.json"
    done = run("check", "-f", "junit", "-o", out, "--write-baseline", known, tmp_path / "missing", tmp_path / "gone")
    assert_refused(done, "missing", "gone")
    assert not out.exists()
    assert not known.exists()


def test_a_dump_that_lost_goroutines_warns_or_fails(tmp_path: Path) -> None:
    """A dump cut within a line: a warning by default, an error or nothing where the policy says so."""
    path = tmp_path / "cut.stacks"
    path.write_text(DUMP[:-60])
    results = {
        choice: told(checked(path, tmp_path=tmp_path, policy=f'incomplete = "{choice}"'))
        for choice in ("ignore", "warn", "fail")
    }
    assert results["ignore"] == []
    assert results["warn"] == [("incomplete", "found", False)]
    assert results["fail"] == [("incomplete", "found", True)]
    assert run("check", path).returncode == 0
    assert run("check", "--fail-on", "warning", path).returncode == 1


def test_a_reader_that_goes_away_does_not_make_a_check_pass() -> None:
    """``stackscan check … | head -1`` has the exit code that it would have had (pipefail sees it)."""
    import subprocess
    import sys

    script = f"{sys.executable} -m stackscan check {' '.join([str(STALLED)] * 3)} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


# -- policies ----------------------------------------------------------------------------------------------------------


def test_fail_on_moves_the_bar(tmp_path: Path) -> None:
    """--fail-on goes before the policy's fail_on; closers outside the pool are information."""
    fixed = KUBO / "v0.41.0-fixed-tcp" / "stack-01.txt.gz"
    assert told(checked(fixed, tmp_path=tmp_path)) == [("bitswap-detached-closers", "found", False)]
    assert checked(fixed, tmp_path=tmp_path, policy='fail_on = "info"').exit_code == 1
    assert checked(fixed, tmp_path=tmp_path, policy='fail_on = "info"', fail_on="error").exit_code == 0
    assert run("check", "--fail-on", "info", fixed).returncode == 1


def test_a_rule_can_be_made_worse_or_left_out(tmp_path: Path) -> None:
    """[check.rules] replaces severities."""
    off = '[rules]\nbitswap-close-stall = "off"'
    assert told(checked(STALLED, tmp_path=tmp_path, policy=off)) == []
    milder = '[rules]\nbitswap-close-stall = "warning"'
    assert told(checked(STALLED, tmp_path=tmp_path, policy=milder)) == [("bitswap-close-stall", "found", False)]


def test_limits_on_counts_and_waits(tmp_path: Path) -> None:
    """All goroutines, chosen functions, creators and wait reasons; each says how many there are and may be."""
    path = tmp_path / "dump"
    blocks = [goroutine(n, ["app.work", "app.loop"], creator="app.start") for n in range(1, 5)]
    blocks.append(goroutine(9, ["app.wait"], state="chan send, 12 minutes"))
    path.write_text("\n".join(blocks))
    policy = """
        max_goroutines = 4
        max_wait_minutes = 11
        [[limit]]
        name = "workers"
        function = "app.work"
        max_count = 3
        reason = "three cores"
        [[limit]]
        name = "loops"
        function = "app.loop"
        created_by = "app.start"
        max_count = 4
        [[limit]]
        name = "senders"
        wait_reasons = ["chan send", "chan send (nil chan)"]
        max_count = 9
        max_wait_minutes = 10
        severity = "warning"
    """
    result = checked(path, tmp_path=tmp_path, policy=policy)
    assert {f.name: f.message for f in result.captures[0].findings if f.kind != "rule"} == {
        "max-goroutines": "5 goroutines, the limit is 4",
        "max-wait-minutes": "a goroutine waits for 12 min, the limit is 11 min (1 stack above it)",
        "limit-workers": "workers: 4 goroutines, the limit is 3 (three cores)",
        "limit-senders": "senders: a goroutine waits for 12 min, the limit is 10 min (1 stack above it)",
    }
    assert [f.name for f in result.captures[0].findings if not f.fails] == ["unexplained-wait", "limit-senders"]


def test_limits_on_pools(tmp_path: Path) -> None:
    """A pool may be busy to its limit and no more."""
    policy = '[[pool]]\npool = "bitswap-task-workers"\nmax_occupancy = 0.9\n[rules]\nbitswap-close-stall = "off"'
    (finding,) = checked(STALLED, tmp_path=tmp_path, policy=policy).captures[0].findings
    assert finding.message == ("bitswap-task-workers: 12 of 12 workers are busy (100%), the limit is 90%")
    assert told(checked(QUIET, tmp_path=tmp_path, policy=policy)) == []


def test_limits_on_what_the_model_projects(tmp_path: Path) -> None:
    """Every task of a stalled pool waits, none of a quiet one; of a pool without a model a note says that nobody can
    tell."""
    policy = '[[pool]]\npool = "{}"\nmax_wait_probability = 0.5\n[rules]\nbitswap-close-stall = "off"'
    workers = policy.format("bitswap-task-workers")
    (finding,) = checked(STALLED, tmp_path=tmp_path, policy=workers).captures[0].findings
    assert finding.message == (
        "bitswap-task-workers: the model projects that 100.0% of the tasks wait, the limit is 50.0%"
    )
    assert told(checked(QUIET, tmp_path=tmp_path, policy=workers)) == []
    (capture,) = checked(STALLED, tmp_path=tmp_path, policy=policy.format("bitswap-engine-workers")).captures
    assert capture.findings == ()
    assert capture.notes == (
        "bitswap-engine-workers: no projection from this capture, so max_wait_probability was not checked",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_goroutine = 3", ["unknown key 'max_goroutine'", "'max_goroutines'"]),
        ("max_goroutines = -1", ["'max_goroutines' must be a whole number"]),
        ("max_goroutines = true", ["'max_goroutines' must be a whole number"]),
        ('fail_on = "warn"', ["'fail_on' must be one of error, warning, info, not 'warn'"]),
        ('incomplete = "error"', ["'incomplete' must be one of ignore, warn, fail"]),
        ('[rules]\nbitswap-close-stal = "off"', ["unknown rule", "did you mean 'bitswap-close-stall'"]),
        ('[rules]\nbitswap-close-stall = "none"', ["must be one of error, warning, info, off"]),
        ("rules = 3", ["'rules' must be a table"]),
        ('[[limit]]\nname = "x"\nfunction = "f"', ["limit 1", "needs 'max_count' or 'max_wait_minutes'"]),
        ('[[limit]]\nname = "x"\nmax_count = 3', ["needs 'function', 'created_by' or 'wait_reasons'"]),
        ('[[limit]]\nname = "x"\nfunction = "f"\nmax_count = 3\nmax = 2', ["unknown key 'max'"]),
        (
            '[[limit]]\nname = "x"\nfunction = "f"\nmax_count = 3\n' * 2,
            ["two limits have the name 'x'"],
        ),
        ('[[pool]]\npool = "bitswap-task-worker"\nmax_occupancy = 1', ["unknown pool", "'bitswap-task-workers'"]),
        ('[[pool]]\npool = "bitswap-task-workers"\nmax_occupancy = 90', ["must be a number from 0 to 1"]),
        ('[[pool]]\npool = "bitswap-task-workers"', ["needs 'max_occupancy' or 'max_wait_probability'"]),
        ("[growth]\nfactor = 0.5", ["'factor' must be a number of at least 1"]),
        ("[growth]\nfactor = nan", ["'factor' must be a number of at least 1"]),
        ('[[ignore]]\nfinding = "growth"', ["ignore 1", "needs a 'reason'"]),
        ('[[ignore]]\nfinding = "growth"\nreason = " "', ["needs a 'reason'"]),
        ('[[ignore]]\nreason = "because"', ["needs 'finding', 'signature' or 'function'"]),
        ('[[ignore]]\nfinding = "growth"\nreason = "x"\nexpires = "soon"', ["'expires' must be a date"]),
        ("[check", ["policy", "valid TOML"]),
    ],
)
def test_a_wrong_policy_says_where(tmp_path: Path, text: str, words: list[str]) -> None:
    """A typo in a policy is 2, with the key, the nearest valid one and where to read on."""
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(PolicyError) as caught:
        find_policy(file, shipped())
    assert caught.value.hint
    for word in words:
        assert word in str(caught.value) + caught.value.hint


def test_a_wrong_policy_is_refused(tmp_path: Path) -> None:
    """The check is not done: 2, with what, where, and where to read on."""
    file = tmp_path / "policy.toml"
    file.write_text("max_goroutine = 3")
    assert_refused(run("check", "--policy", file, QUIET), str(file), "did you mean 'max_goroutines'", "docs/ci.md")
    assert_refused(run("check", "--policy", tmp_path / "none.toml", QUIET), "none.toml does not exist")


def test_the_nearest_stackscan_toml_is_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The [check] table of stackscan.toml, here or above, up to the repository's root; other tables are not ours."""

    def found(named: Path | None = None) -> tuple[str | None, int | None]:
        policy = find_policy(named, load(find(Path.cwd())))
        return policy.where, policy.max_goroutines

    (tmp_path / ".git").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert found() == (None, None)
    settings = tmp_path / "stackscan.toml"
    settings.write_text("[check]\nmax_goroutines = 10\n" + OWN_POOL)
    assert found() == (f"{settings}, check", 10)
    (below / ".git").mkdir()
    assert found() == (None, None)
    assert found(settings) == (f"{settings}, check", 10)


def test_a_settings_file_without_a_policy_changes_nothing(tmp_path: Path) -> None:
    """stackscan.toml may be there for other things."""
    (tmp_path / "stackscan.toml").write_text(OWN_POOL)
    assert run("check", QUIET, cwd=tmp_path).returncode == 0


def test_rules_and_pools_of_ones_own_are_judged_by(tmp_path: Path) -> None:
    """A rule of stackscan.toml fails the check as one that ships does, and what is disabled there does not."""
    (tmp_path / "stackscan.toml").write_text(
        "disable = ['bitswap-close-*']\n[[rule]]\nname = 'mine'\nseverity = 'error'\ntitle = 'blockstore workers'\n"
        "why = 'w'\nfix = 'f'\nreferences = []\nevidence_level = 'heuristic'\nkind = 'stuck'\n"
        "when = 'stack \"(*blockstoreManager).worker\"'\n"
    )
    done = run("check", "--format", "json", STALLED, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert '"mine"' in done.stdout
    assert '"bitswap-close' not in done.stdout


# -- baselines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folder", sorted(KUBO.glob("*stalled*")) + sorted(KUBO.glob("*unbounded*")), ids=lambda p: p.name
)
def test_with_a_baseline_of_a_stalled_capture_only_growth_fails(tmp_path: Path, folder: Path) -> None:
    """The same stall is known in every later capture of the run, also where it has become old enough for a stricter
    rule; a baseline of the quiet node fails on it."""
    first, *later = sorted(folder.glob("goroutine.debug2-*"))[:2]
    known = tmp_path / "known.json"
    known_from(known, first)
    for path in later:
        result = checked(path, tmp_path=tmp_path, baseline=known)
        assert [(name, status) for name, status, fails in told(result) if fails] == []
        assert "known" in {status for _, status, _ in told(result)}
    quiet = tmp_path / "quiet.json"
    known_from(quiet, QUIET)
    assert ("bitswap-close-stall", "new", True) in {
        (name.replace("unbounded", "stall"), status, fails)
        for name, status, fails in told(checked(later[-1], tmp_path=tmp_path, baseline=quiet))
    }


def test_a_stall_that_grows_fails_beside_its_baseline(tmp_path: Path) -> None:
    """4 of 12 workers are known; 9 are more, and 4 again are not."""
    folder = KUBO / "v0.40.1-mixed"
    known = tmp_path / "known.json"
    known_from(known, folder / "stack-01.txt.gz")
    result = checked(folder / "stack-02.txt.gz", tmp_path=tmp_path, baseline=known)
    (finding,) = (f for f in result.captures[0].findings if f.name == "bitswap-close-stall")
    assert (finding.status, finding.baseline, finding.count, finding.fails) == ("grown", 4, 9, True)
    loose = "[growth]\nrule_absolute = 5"
    result = checked(folder / "stack-02.txt.gz", tmp_path=tmp_path, baseline=known, policy=loose)
    (finding,) = (f for f in result.captures[0].findings if f.name == "bitswap-close-stall")
    assert finding.status == "known"


def test_what_was_only_told_of_is_no_known_trouble(tmp_path: Path) -> None:
    """Detached closers are information: a baseline does not take their stacks for stalls, and counts them all the
    same."""
    folder = KUBO / "v0.41.0-fixed-tcp"
    known = read_baseline(known_from(tmp_path / "known.json", folder / "stack-01.txt.gz"))
    assert known.rules == {"bitswap-detached-closers": 129}
    assert {rule for stack in known.stacks for rule in stack.rules} == set()
    stalled = read_baseline(known_from(tmp_path / "known.json", STALLED))
    assert {rule for stack in stalled.stacks for rule in stack.rules} == {"bitswap-close-stall"}


def test_a_little_of_a_new_stall_may_be_allowed(tmp_path: Path) -> None:
    """rule_absolute says how many more than none are not yet news."""
    mixed = KUBO / "v0.40.1-mixed" / "stack-01.txt.gz"  # 4 workers stalled
    known = known_from(tmp_path / "known.json", QUIET)
    for absolute, status in ((3, "new"), (4, "known")):
        result = checked(mixed, tmp_path=tmp_path, baseline=known, policy=f"[growth]\nrule_absolute = {absolute}")
        assert [f.status for f in result.captures[0].findings if f.name == "bitswap-close-stall"] == [status]


def test_new_and_grown_places_fail_and_small_change_does_not(tmp_path: Path) -> None:
    """By default a place may hold half as many again, or five more; a place that is gone is no finding."""
    known = tmp_path / "known.json"
    known_from(known, dump_of(tmp_path / "before", a=10, b=100, gone=3))

    def growth(**counts: int) -> list[str]:
        result = checked(dump_of(tmp_path / "after", **counts), tmp_path=tmp_path, baseline=known)
        return sorted(
            f"{f.message.split(' goroutines in app.')[1].split()[0]} {f.status}" for f in result.captures[0].findings
        )

    assert growth(a=15, b=150, c=5) == []
    assert growth(a=16, b=151, c=6) == ["a grown", "b grown", "c new"]


def test_the_default_leaves_room_for_what_a_node_does(tmp_path: Path) -> None:
    """No place of the lab's quiet and stalled nodes gains more than three goroutines from one capture to the next."""
    gained = []
    for folder in [*sorted(KUBO.glob("*quiet")), *sorted(KUBO.glob("*stalled*"))]:
        one, two = sorted(folder.glob("goroutine.debug2-*"))[:2]
        known = known_from(tmp_path / "known.json", one)
        strict = "[growth]\nfactor = 1\nabsolute = 0"
        found = checked(two, tmp_path=tmp_path, policy=strict, baseline=known).captures[0].findings
        gained += [(f.count or 0) - (f.baseline or 0) for f in found if f.name == "growth"]
    assert 0 < max(gained) <= 3


def test_stacks_that_split_by_depth_are_not_growth(tmp_path: Path) -> None:
    """20 goroutines in one stack, and the same 20 half of them a standard-library frame deeper, are the same 20."""
    flat = [goroutine(n, ["app.read"], creator="app.start") for n in range(1, 21)]
    deep = [
        goroutine(n, ["internal/poll.(*FD).Read", "app.read"] if n % 2 else ["app.read"], creator="app.start")
        for n in range(1, 21)
    ]
    (tmp_path / "flat").write_text("\n".join(flat))
    (tmp_path / "deep").write_text("\n".join(deep))
    known = tmp_path / "known.json"
    known_from(known, tmp_path / "flat")
    assert told(checked(tmp_path / "deep", tmp_path=tmp_path, baseline=known)) == []


def test_the_same_workers_waiting_for_something_else_are_new(tmp_path: Path) -> None:
    """What a worker waits for tells a busy pool from a stuck one: the number of workers did not change."""
    for name, state in (("idle", "select"), ("stuck", "sync.Mutex.Lock"), ("running", "runnable")):
        blocks = [goroutine(n, ["app.worker"], state=state, creator="app.start") for n in range(1, 21)]
        (tmp_path / name).write_text("\n".join(blocks))
    known = tmp_path / "known.json"
    known_from(known, tmp_path / "idle")
    assert told(checked(tmp_path / "stuck", tmp_path=tmp_path, baseline=known)) == [("growth", "new", True)]
    assert told(checked(tmp_path / "running", tmp_path=tmp_path, baseline=known)) == []


def test_a_baseline_of_full_text_serves_counted_formats(tmp_path: Path) -> None:
    """debug=1 and protobuf tell no wait reasons and no creators: places are then compared by function."""
    folder = KUBO / "v0.40.1-stalled-tcp"
    known = tmp_path / "known.json"
    known_from(known, folder / "goroutine.debug2-01.txt.gz")
    for name in ("goroutine.debug1-01.txt.gz", "goroutine.debug0-01.pb.gz"):
        assert [f for f in told(checked(folder / name, tmp_path=tmp_path, baseline=known)) if f[2]] == []


def test_limits_hold_whatever_the_baseline_knows(tmp_path: Path) -> None:
    """A limit is a promise, a baseline is a memory."""
    known = tmp_path / "known.json"
    known_from(known, QUIET)
    result = checked(QUIET, tmp_path=tmp_path, baseline=known, policy="max_goroutines = 10")
    assert told(result) == [("max-goroutines", "found", True)]


def test_a_baseline_is_written_to_be_reviewed(tmp_path: Path) -> None:
    """Sorted, one stack a line with its place in words; the same capture gives the same bytes; it is read back."""
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    run("check", STALLED, "--write-baseline", first)
    done = run("check", STALLED, "--write-baseline", second)
    assert "stacks written; review the file and commit it" in done.stderr
    assert first.read_bytes() == second.read_bytes()
    values = json.loads(first.read_text())
    assert values["schema"] == "stackscan.baseline"
    assert values["rules"] == {"bitswap-close-stall": 12}
    places = [(s["at"], s["created_by"] or "", s["wait_reason"], s["signature"]) for s in values["stacks"]]
    assert places == sorted(places)
    assert len(first.read_text().splitlines()) == len(values["stacks"]) + 8
    assert read_baseline(first).by_signature.keys() == {s["signature"] for s in values["stacks"]}


def test_a_baseline_of_several_captures_knows_the_most_of_each(tmp_path: Path) -> None:
    """Of each stack the largest count over the captures, not the sum."""
    known = tmp_path / "known.json"
    known_from(known, dump_of(tmp_path / "1", a=3, b=9), dump_of(tmp_path / "2", a=7))
    values = json.loads(known.read_text())
    assert {s["at"]: s["count"] for s in values["stacks"]} == {"app.a": 7, "app.b": 9}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": "stackscan.report", "schema_version": 1}',
        '{"schema": "stackscan.baseline", "schema_version": 2, "goroutines": 1, "rules": {}, "stacks": []}',
        '{"schema": "stackscan.baseline", "schema_version": 1, "goroutines": -1, "rules": {}, "stacks": []}',
        '{"schema": "stackscan.baseline", "schema_version": 1, "goroutines": 1, "rules": [], "stacks": []}',
        '{"schema": "stackscan.baseline", "schema_version": 1, "goroutines": 1, "rules": {}, "stacks": [{"count": 1}]}',
        '{"schema": "stackscan.baseline", "schema_version": 1, "goroutines": 1, "rules": {}, "stacks": [3]}',
        "[" * 100_000,
    ],
    ids=range(10),
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    """A wrong baseline is 2, before any dump is read."""
    path = tmp_path / "known.json"
    path.write_text(text)
    with pytest.raises(BaselineError, match=r"known\.json"):
        check([str(tmp_path / "never read")], baseline=path)


_HEAD = '"schema": "stackscan.baseline", "schema_version": 1, "goroutines": 1, "rules": {}'
_STACK = '"signature": "0123456789ab", "count": 1'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("null", "the file must be an object ({…}), but is missing or null"),
        ("[1]", "the file must be an object ({…}), but is a list"),
        ("{,}", "line 1, column 2 is not JSON"),
        ("{}", "'schema' must be 'stackscan.baseline', but is missing or null"),
        ("[" * 100_000, "brackets are nested too deeply"),
        ("9" * 5_000, "a number has too many digits"),
        ('{"schema": "stackscan.baseline", "schema_version": true}', "'schema_version' must be 1, but is true"),
        ('{"schema": "stackscan.baseline", "schema_version": 1.0}', "'schema_version' must be 1, but is 1.0"),
        ('{"schema": "stackscan.baseline", "schema_version": "1"}', "'schema_version' must be 1, but is \"1\""),
        ('{"schema": "stackscan.baseline", "schema_version": 2}', "'schema_version' must be 1, but is 2"),
        (f"{{{_HEAD}}}", "'stacks' must be a list, but is missing or null"),
        (f'{{{_HEAD}, "stacks": {{}}}}', "'stacks' must be a list, but is an object"),
        (f'{{{_HEAD}, "stacks": [null]}}', "stack 1 must be an object ({…}), but is missing or null"),
        (f'{{{_HEAD}, "stacks": [{{{_STACK}}}, 7]}}', "stack 2 must be an object ({…}), but is 7"),
        (f'{{{_HEAD}, "stacks": [{{"count": 1}}]}}', "stack 1: 'signature' is missing"),
        (f'{{{_HEAD}, "stacks": [{{"signature": "x"}}]}}', "stack 1: 'count' must be a whole number"),
        (f'{{{_HEAD}, "stacks": [{{{_STACK}, "at": 7}}]}}', "stack 1: 'at' must be a string, but is 7"),
        (f'{{{_HEAD}, "stacks": [{{{_STACK}, "rules": 7}}]}}', "stack 1: 'rules' must be a list of strings, but is 7"),
        (_HEAD.replace('1, "rules', 'true, "rules').join(("{", ', "stacks": []}')), "'goroutines' must be a whole"),
        (_HEAD.replace("{}", '{"a": -1}').join(("{", ', "stacks": []}')), "rules: 'a' must be a whole number"),
        (_HEAD.replace("{}", "null").join(("{", ', "stacks": []}')), "'rules' must be an object"),
        (_HEAD.replace(' 1, "rules', f' 1{"0" * 4000}, "rules').join(("{", ', "stacks": []}')), "a larger or smaller"),
    ],
    ids=range(22),
)
def test_what_is_wrong_with_a_baseline_is_told(tmp_path: Path, text: str, said: str) -> None:
    """The file, the key and what was expected there; nothing that only Python's users understand."""
    path = tmp_path / "known.json"
    path.write_text(text)
    with pytest.raises(BaselineError) as error:
        check([str(tmp_path / "never read")], baseline=path)
    assert str(error.value).startswith(f"{path} ")
    assert said in str(error.value)
    for word in ("NoneType", "subscriptable", "attribute", "object is", "Exceeds", "recursion", "indices"):
        assert word not in str(error.value)


def test_a_baseline_that_is_no_text_is_told(tmp_path: Path) -> None:
    """Which byte it is, and of a folder what it is."""
    path = tmp_path / "known.json"
    path.write_bytes(b"{\xff}")
    assert_refused(run("check", "--baseline", path, QUIET), f"{path} is not a baseline: byte 2 is not UTF-8")
    assert_refused(run("check", "--baseline", tmp_path, QUIET), "cannot be read: Is a directory")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"max_goroutines = " + b"9" * 5_000, "a number has too many digits"),
        (b"max_goroutines = " + b"9" * 400, "'max_goroutines' must be a whole number from 0 to 1,000,000,000,000"),
        (b"[growth]\nfactor = " + b"9" * 400, "'factor' must be a number of at least 1, and at most 1,000,000"),
        (b"[growth]\nfactor = 1e308", "'factor' must be a number of at least 1, and at most 1,000,000"),
        (b"x = " + b"[" * 5_000, "brackets are nested too deeply"),
        (b"x = '\xff'", "byte 6 is not UTF-8"),
    ],
    ids=range(6),
)
def test_numbers_of_a_policy_are_bounded(tmp_path: Path, text: bytes, said: str) -> None:
    """They end in code 2 and a sentence, in a file of its own and in stackscan.toml."""
    policy = tmp_path / "policy.toml"
    policy.write_bytes(text)
    assert_refused(run("check", "--policy", policy, QUIET), f"{policy}", said)
    (tmp_path / "stackscan.toml").write_bytes(b"[check]\n" + text.replace(b"[growth]", b"[check.growth]"))
    refused = run("check", QUIET, cwd=tmp_path)
    assert_refused(refused, "stackscan.toml", said.replace("byte 6", "byte 14"))


def test_a_missing_baseline_is_refused(tmp_path: Path) -> None:
    """A baseline that is not there is no empty baseline."""
    assert_refused(run("check", "--baseline", tmp_path / "none.json", QUIET), "none.json does not exist")


names = st.sampled_from(["app.a", "app.b", "lib.c", None])
stacks = st.lists(
    st.builds(
        Known,
        signature=st.text("0123456789abcdef", min_size=12, max_size=12),
        count=st.integers(0, 1000),
        wait_reason=st.sampled_from(["select", "runnable", None]),
        at=names,
        created_by=names,
        rules=st.just(()),
    ),
    unique_by=lambda known: known.signature,
)


@given(stacks)
def test_wider_standings_hold_all_that_narrower_ones_do(known: list[Known]) -> None:
    """What is known of a function is the sum over its creators, and of these over wait reasons."""
    baseline = Baseline(0, {}, tuple(known))
    for at in {entry.at for entry in known}:
        assert baseline.known_at((at, None, None)) == sum(entry.count for entry in known if entry.at == at)


@given(st.integers(0, 10_000), st.floats(1, 10), st.integers(0, 100))
def test_what_is_allowed_is_never_less_than_what_is_known(known: int, factor: float, absolute: int) -> None:
    """A capture always passes beside its own baseline, whatever growth is allowed."""
    growth = Growth(factor, absolute, factor, absolute)
    assert growth.allowed(known) >= known
    assert growth.allowed_of_rule(known) >= known


@pytest.mark.parametrize(
    "path",
    [STALLED, QUIET, KUBO / "v0.40.1-mixed" / "stack-03.txt.gz"],
    ids=lambda p: p.parent.name,
)
def test_a_capture_passes_beside_its_own_baseline(tmp_path: Path, path: Path) -> None:
    """Nothing in it is new, with no growth allowed at all."""
    known = tmp_path / "known.json"
    strict = "[growth]\nfactor = 1\nabsolute = 0"
    known_from(known, path)
    assert checked(path, tmp_path=tmp_path, baseline=known, policy=strict).exit_code == 0


def test_baselines_of_nothing() -> None:
    """No capture makes an empty baseline."""
    assert build_baseline([]) == Baseline(0, {}, ())


# -- ignores -----------------------------------------------------------------------------------------------------------


def ignored(tmp_path: Path, ignore: str, *, today: date = date(2026, 6, 1), **counts: int) -> CheckResult:
    """A dump that exceeds two limits, under one ignore."""
    limits = "\n".join(
        f'[[limit]]\nname = "{name}"\nfunction = "app.{pattern}"\nmax_count = 0' for name, pattern in (("ab", "loop"),)
    )
    policy = f"{limits}\n[[ignore]]\n{ignore}\nreason = 'ACME-1'"
    return checked(dump_of(tmp_path / "dump", **counts), tmp_path=tmp_path, policy=policy, today=today)


def test_an_ignore_takes_the_finding_it_names(tmp_path: Path) -> None:
    """It passes, but is shown with its reason."""
    result = ignored(tmp_path, "finding = 'limit-ab'", a=3)
    assert told(result) == [("limit-ab", "ignored", False)]
    assert result.captures[0].findings[0].reason == "ACME-1"
    assert result.exit_code == 0


def test_an_ignore_by_function_takes_only_those_goroutines(tmp_path: Path) -> None:
    """Three of five are known; the other two still fail, and are counted alone."""
    result = ignored(tmp_path, "function = 'app.a'", a=3, b=2)
    (finding,) = result.captures[0].findings
    assert (finding.count, finding.fails) == (2, True)
    assert "(3 of them ignored: ACME-1)" in finding.message
    assert ignored(tmp_path, "function = 'app.a'", a=3).exit_code == 0


def test_what_an_ignore_leaves_may_be_within_the_limit(tmp_path: Path) -> None:
    """Five are one too many; without the three that are ignored, two are not. Of waits the longest left tells."""
    limit = '[[limit]]\nname = "all"\nfunction = "app.loop"\nmax_count = 4\n'
    ignore = '[[ignore]]\nfunction = "app.a"\nreason = "ACME-1"'
    path = dump_of(tmp_path / "dump", a=3, b=2)
    assert told(checked(path, tmp_path=tmp_path, policy=limit + ignore)) == [("limit-all", "ignored", False)]
    assert told(checked(path, tmp_path=tmp_path, policy="max_goroutines = 2\n" + ignore))[0][1] == "ignored"
    blocks = [goroutine(1, ["app.a"], state="select, 90 minutes"), goroutine(2, ["app.b"], state="select, 20 minutes")]
    path.write_text("\n".join(blocks))
    found = checked(path, tmp_path=tmp_path, policy="max_wait_minutes = 9\n" + ignore).captures[0].findings
    (finding,) = [one for one in found if one.name == "max-wait-minutes"]
    assert finding.message == (
        "a goroutine waits for 20 min, the limit is 9 min (1 stack above it) (1 of them ignored: ACME-1)"
    )


def test_a_process_that_died_fails_and_one_that_was_asked_does_not(tmp_path: Path) -> None:
    """A panic is a finding whatever the goroutines do, SIGQUIT is not; the policy may think otherwise."""
    go = FIXTURES / "go" / "go1.27"
    finding, *others = checked(go / "panic_nilderef_all.txt", tmp_path=tmp_path).captures[0].findings
    assert (finding.name, finding.kind, finding.fails) == ("nil-dereference", "rule", True)
    assert finding.message == "goroutine 1 followed a nil pointer in main.(*record).depth (main.go:31)"
    assert finding.frame is not None
    assert finding.frame.function == "main.(*record).depth"
    assert not any(other.fails for other in others)
    for choice, code in (("ignore", 0), ("warn", 0), ("fail", 1)):
        policy = f'crash = "{choice}"'
        assert checked(go / "panic_nilderef_all.txt", tmp_path=tmp_path, policy=policy).exit_code == code
    assert checked(go / "panic_sigquit_all.txt", tmp_path=tmp_path).exit_code == 0


def test_a_crash_is_one_finding_whatever_it_is_called(tmp_path: Path) -> None:
    """A rule that is off says nothing; one that is disabled leaves the crash without a name; an ignore of crashes fits
    all; a baseline makes no crash known."""
    path = FIXTURES / "go" / "go1.27" / "panic_index.txt"
    assert told(checked(path, tmp_path=tmp_path)) == [("index-out-of-range", "found", True)]
    assert told(checked(path, tmp_path=tmp_path, policy='[rules]\nindex-out-of-range = "off"')) == []
    ignore = '[[ignore]]\nfinding = "crash"\nreason = "ACME-1"'
    assert told(checked(path, tmp_path=tmp_path, policy=ignore)) == [("index-out-of-range", "ignored", False)]
    configuration = tmp_path / "stackscan.toml"
    configuration.write_text('disable = ["index-out-of-range", "panic"]')
    options = {"configuration": load(configuration)}
    assert [name for name, *_ in told(checked(path, tmp_path=tmp_path, **options))] == ["crash"]
    baseline = known_from(tmp_path / "known.json", path)
    assert told(checked(path, tmp_path=tmp_path, baseline=baseline)) == [("index-out-of-range", "found", True)]


def test_an_ignore_has_a_largest_count(tmp_path: Path) -> None:
    """More than that are not ignored."""
    assert ignored(tmp_path, "function = 'app.a'\nmax_count = 3", a=3).exit_code == 0
    assert ignored(tmp_path, "function = 'app.a'\nmax_count = 3", a=4).exit_code == 1


def test_an_ignore_holds_until_the_end_of_its_day(tmp_path: Path) -> None:
    """On the day after it ignores nothing any more, and that is said."""
    until = "finding = 'limit-ab'\nexpires = 2026-06-01"
    result = ignored(tmp_path, until, a=3, today=date(2026, 6, 1))
    assert (result.exit_code, result.ignores[0].expired) == (0, False)
    result = ignored(tmp_path, until, a=3, today=date(2026, 6, 2))
    assert (result.exit_code, result.ignores[0].expired, result.ignores[0].used) == (1, True, 1)


@pytest.mark.parametrize(
    ("ignore", "complaint"),
    [
        ("finding = 'incomplete'", "ignore 1 (incomplete) matches nothing: remove it (ACME-1)"),
        ("function = 'app.z'", "ignore 1 (function app.z) matches nothing: remove it (ACME-1)"),
        ("signature = '0123456789ab'", "ignore 1 (signature 0123456789ab) matches nothing: remove it (ACME-1)"),
        (
            "finding = 'limit-ab'\nexpires = 2026-05-31",
            "ignore 1 (limit-ab) expired on 2026-05-31: its finding counts again (ACME-1)",
        ),
        (
            "finding = 'growth'\nexpires = 2026-05-31",
            "ignore 1 (growth) expired on 2026-05-31: it matches nothing any more, remove it (ACME-1)",
        ),
    ],
)
def test_ignores_that_do_nothing_are_reported(tmp_path: Path, ignore: str, complaint: str) -> None:
    """Unused and expired ignores are said; they change no exit code by themselves."""
    from stackscan.render.check_words import complaints

    assert complaints(ignored(tmp_path, ignore, a=3)) == (complaint,)


def test_an_unknown_source_is_told_from_a_failing_one(tmp_path: Path) -> None:
    """check() raises when no source can be read, and says so in the outcome when only some cannot."""
    with pytest.raises(StackscanError, match="does not exist"):
        check([str(tmp_path / "none")])
    result, _ = check([str(tmp_path / "none"), str(QUIET)])
    assert [source.trouble is not None for source in result.sources] == [True, False]
    assert result.exit_code == 2
