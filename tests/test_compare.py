"""``stackscan compare``: what grew and went, who stayed, and when nobody can say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import ANSI, CORPUS, FIXTURES, assert_refused, goroutine, run, run_on_terminal
from stackscan.cli.options.units import interval
from stackscan.comparison import Change, Comparison, Dated, compare, worth_comparing
from stackscan.errors import StackscanError
from stackscan.pipeline import examine
from stackscan.render.compare_words import names
from stackscan.render.json.compare import as_json
from stackscan.render.text.compare import _curve
from stackscan.sources.times import captured_at

KUBO = FIXTURES / "kubo"


def taken(*sources: Path) -> list[Dated]:
    """The captures of some sources, as the command takes them."""
    return [
        Dated(one.report, one.capture.snapshot, captured_at(str(source), one.report.member))
        for source in sources
        for one in worth_comparing(examine(str(source))[0])
    ]


def compared(*sources: Path, every: str | None = None) -> dict[str, Any]:
    """The comparison of some sources as scripts see it."""
    return as_json(comparison(*sources, every=every))


def comparison(*sources: Path, every: str | None = None) -> Comparison:
    """The comparison of some sources."""
    return compare(taken(*sources), every=None if every is None else interval(every))


def dump(path: Path, *blocks: str) -> Path:
    """A dump of these goroutines."""
    path.write_text("\n".join(blocks))
    return path


def run_of(name: str, pattern: str = "stack-*") -> list[Path]:
    """The captures of one run of the lab, in order."""
    return sorted((KUBO / name).glob(pattern))


def bucket(values: dict[str, Any], function: str) -> dict[str, Any]:
    """The only bucket whose innermost function this is."""
    (found,) = (entry for entry in values["buckets"] if entry["frames"][0]["function"] == function)
    return found


# -- verdicts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "change", "verdict"),
    [
        ((0, 3), 3, "new"),
        ((3, 0), -3, "gone"),
        ((1, 9, 2), 1, "grown"),
        ((4, 3), -1, "shrunk"),
        ((4, 9, 4), 0, "steady"),
        ((0, 5, 0), 0, "gone"),
    ],
)
def test_verdicts(counts: tuple[int, ...], change: int, verdict: str) -> None:
    """From the first capture to the last; what only came in between is gone."""
    assert (Change(counts).change, Change(counts).verdict) == (change, verdict)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12).map(tuple))
def test_a_verdict_agrees_with_its_change(counts: tuple[int, ...]) -> None:
    """New and grown gain, gone and shrunk lose (or came and went), steady does neither."""
    change = Change(counts)
    assert {
        "new": change.change > 0,
        "grown": change.change > 0,
        "gone": change.change <= 0,
        "shrunk": change.change < 0,
        "steady": change.change == 0,
    }[change.verdict]


# -- the lab's series --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["v0.39.0-unbounded-tcp", "v0.39.0-unbounded-quic"])
def test_the_stall_that_never_ends_is_named(name: str) -> None:
    """All twelve workers are the same goroutines in the same stack in all four captures; their waits went on."""
    values = compared(*run_of(name))
    assert values["one_process"] is True
    stall = next(f for f in values["findings"] if f["rule"] == "bitswap-close-stall")
    assert (stall["counts"], stall["verdict"], stall["persisted"]) == ([12, 12, 12, 12], "steady", 12)
    held = [entry for entry in values["buckets"] if "bitswap-close-stall" in entry["rules"] and entry["persisted"]]
    assert sum(entry["persisted"] for entry in held) == 12
    assert [(entry["waits_advanced"], entry["woke"]) for entry in held] == [(entry["persisted"], 0) for entry in held]
    assert all(74 < seconds < 77 for seconds in values["intervals_seconds"])


def test_a_stall_that_is_bounded_moves() -> None:
    """With a read deadline of 10 s, no worker is held by the same close 13 s later... though all may be held again."""
    values = compared(*run_of("v0.40.1-mixed"))
    (pool,) = (pool for pool in values["pools"] if pool["pool"] == "bitswap-task-workers")
    assert pool["workers"] == [12, 12, 12, 12]
    assert pool["busy"] == pool["states"]["stalled-close"] == [4, 9, 8, 6]
    (stall,) = values["findings"]
    assert (stall["rule"], stall["counts"], stall["change"]) == ("bitswap-close-stall", [4, 9, 8, 6], 2)


def test_of_a_bundle_the_full_text_is_compared() -> None:
    """Of two views of one process the one that tells most; bundles and plain files of one instant agree."""
    values = compared(*run_of("v0.40.1-mixed", "*.zip"))
    assert [capture["member"] for capture in values["captures"]] == ["goroutines.stacks"] * 4
    assert [capture["format"] for capture in values["captures"]] == ["goroutine-text"] * 4


def test_two_nodes_are_not_one_process() -> None:
    """The same program started twice: signatures match, and nobody is said to have stayed."""
    values = compared(
        KUBO / "v0.40.1-stalled-tcp" / "stack-01.txt.gz", KUBO / "v0.40.1-stalled-quic" / "stack-01.txt.gz"
    )
    assert values["one_process"] is False
    assert values["persisted"] is None
    assert {entry["persisted"] for entry in values["buckets"]} == {None}
    assert "are other goroutines" in values["captures"][1]["break_before"]
    assert sum(entry["verdict"] == "steady" for entry in values["buckets"]) > 30


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("v0.40.1-stalled-tcp", "v0.41.0-boxo-v0.38.0-stalled-tcp"),
        ("v0.40.1-quiet", "v0.41.0-quiet"),
    ],
)
def test_signatures_match_across_builds(one: str, other: str) -> None:
    """Two releases of kubo, built of other modules, at other lines: 98 % of the goroutines are in stacks
    with a signature of the other build (in another instant some are elsewhere)."""
    values = compared(KUBO / one / "stack-01.txt.gz", KUBO / other / "stack-01.txt.gz")
    matched = [entry for entry in values["buckets"] if all(entry["counts"])]
    for place in (0, 1):
        assert sum(entry["counts"][place] for entry in matched) > 0.98 * values["goroutines"]["counts"][place]


def test_standings_match_across_versions_of_go() -> None:
    """The standard library and the runtime change between Go 1.21 and 1.27, and with them a fifth of the signatures; by
    deciding function, creator and wait reason every goroutine finds its like."""
    values = compared(FIXTURES / "go" / "go1.21" / "pool.txt", FIXTURES / "go" / "go1.27" / "pool.txt")
    for kind, share in (("buckets", 0.75), ("standings", 1.0)):
        matched = sum(min(entry["counts"]) for entry in values[kind])
        assert matched >= share * values["goroutines"]["counts"][0]


def test_signatures_survive_lines_that_move(tmp_path: Path) -> None:
    """One line added to a file moves all below it: the same stack, still one row."""
    before = dump(tmp_path / "1", *(goroutine(n, ["app.a", "app.b"], line=10) for n in range(1, 4)))
    after = dump(tmp_path / "2", *(goroutine(n, ["app.a", "app.b"], line=11) for n in range(1, 6)))
    values = compared(before, after)
    (found,) = values["buckets"]
    assert (found["counts"], found["verdict"]) == ([3, 5], "grown")
    assert found["persisted"] == 0  # not at the same line: they moved, or this is another build


# -- who stayed ---------------------------------------------------------------------------------------------------


def test_persisted_means_the_same_id_in_the_same_stack_in_every_capture(tmp_path: Path) -> None:
    """Of goroutines 1 to 4, one moves to another line, one waits for something else, one is gone: one persisted."""
    stack = ["app.wait", "app.main"]
    one = dump(tmp_path / "1", *(goroutine(n, stack) for n in (1, 2, 3, 4)))
    two = dump(tmp_path / "2", *(goroutine(n, stack) for n in (1, 2, 3)), goroutine(4, stack, line=99))
    three = dump(tmp_path / "3", goroutine(1, stack), goroutine(2, stack, state="chan receive"), goroutine(9, stack))
    values = compared(one, two, three)
    assert values["persisted"] == 1
    (found,) = (entry for entry in values["buckets"] if entry["wait_reason"] == "select")
    assert (found["counts"], found["persisted"]) == ([4, 4, 2], 1)


@pytest.mark.parametrize(
    ("first", "last", "every", "advanced", "woke"),
    [
        (5, 15, "10m", 1, 0),  # its wait grew by the interval
        (5, 16, "10m", 1, 0),  # minutes are whole
        (5, 14, "10m", 1, 0),  # and the interval may be off by some seconds
        (5, 13, "10m", 0, 0),
        (0, 8, "10m", 1, 0),  # the clock started at the first garbage collection, up to two minutes late
        (5, 9, "10m", 0, 0),  # too little
        (5, 40, "10m", 0, 0),  # too much: the interval is wrong, or the process
        (5, 2, "10m", 0, 1),  # it woke and came back
        (5, 7, None, 1, 0),  # no interval: it grew
        (5, 5, None, 0, 0),
        (1, 2, "30s", 1, 0),
        (0, 0, "30s", None, 0),  # waits of less than a minute are not printed
        (0, 0, "10m", None, 0),
    ],
)
def test_waits_that_went_on(
    tmp_path: Path, first: int, last: int, every: str | None, advanced: int | None, woke: int
) -> None:
    """A goroutine that waits for the same thing all the while waits longer by about the time between captures."""

    def state(minutes: int) -> str:
        return f"chan send, {minutes} minutes" if minutes else "chan send"

    before = dump(tmp_path / "1", goroutine(7, ["app.send"], state=state(first)))
    after = dump(tmp_path / "2", goroutine(7, ["app.send"], state=state(last)), goroutine(8, ["app.x"]))
    found = bucket(compared(before, after, every=every), "app.send")
    assert (found["persisted"], found["waits_advanced"], found["woke"]) == (1, advanced, woke)


def test_a_wait_goes_on_from_each_capture_to_the_next(tmp_path: Path) -> None:
    """A goroutine that wakes every minute or so shows one minute for ever: it did not wait all the while."""
    paths = [
        dump(
            tmp_path / f"{n}",
            goroutine(1, ["app.stuck"], state=f"select, {1 + n} minutes"),
            goroutine(2, ["app.ticks"], state="select, 1 minutes"),
        )
        for n in range(1, 5)
    ]
    values = compared(*paths, every="60s")
    assert bucket(values, "app.stuck")["waits_advanced"] == 1
    assert bucket(values, "app.ticks")["waits_advanced"] == 0


def test_a_restart_is_recognised(tmp_path: Path) -> None:
    """Ids and waits go backwards; or ids are other goroutines; or none is in both. Then nobody persisted."""
    old = dump(
        tmp_path / "old",
        goroutine(1, ["app.main"], state="select, 90 minutes"),
        goroutine(5000, ["app.work"], creator="app.start"),
    )
    new = dump(tmp_path / "new", goroutine(1, ["app.main"]), goroutine(30, ["app.work"], creator="app.start"))
    other = dump(tmp_path / "other", goroutine(1, ["app.main"]), goroutine(5000, ["app.log"], creator="app.log"))
    foreign = dump(tmp_path / "foreign", goroutine(6000, ["app.main"]))
    reasons = {path.name: compared(old, path)["captures"][1]["break_before"] for path in (new, other, foreign)}
    assert reasons == {
        "new": "ids and waits go backwards: a restart, or captures that are not in time order",
        "other": "1 of 1 common ids are other goroutines: another process, or a restart",
        "foreign": "no common goroutine id: another process",
    }
    assert compared(old, new)["persisted"] is None


def test_a_process_whose_load_ended_is_not_a_restart(tmp_path: Path) -> None:
    """The highest id falls when short-lived goroutines end, and the longest wait when the one that waited longest
    ends; any wait that went on proves that it is the same process."""
    busy = dump(
        tmp_path / "busy",
        goroutine(1, ["app.main"], state="select, 9 minutes"),
        goroutine(900, ["app.x"], state="select, 20 minutes"),
    )
    calm = dump(tmp_path / "calm", goroutine(1, ["app.main"], state="select, 10 minutes"))
    values = compared(busy, calm)
    assert values["one_process"] is True
    assert values["persisted"] == 1


def test_captures_in_the_wrong_order_are_noticed() -> None:
    """By their times, and by ids and waits."""
    values = compared(*reversed(run_of("v0.39.0-unbounded-tcp")))
    assert "the captures are not in time order, by the times in their names" in values["notes"]
    assert values["one_process"] is False


# -- sums that stay right ----------------------------------------------------------------------------------------------


def test_sums_stay_right_when_stacks_split_by_depth(tmp_path: Path) -> None:
    """Six goroutines in one stack become three there and four a standard-library frame deeper: by signature some went
    and some came, by standing one more is there, and so by creator."""
    flat, deep = ["app.read", "app.serve"], ["internal/poll.(*FD).Read", "app.read", "app.serve"]
    before = dump(tmp_path / "1", *(goroutine(n, flat, creator="app.start") for n in range(1, 7)))
    after = dump(
        tmp_path / "2",
        *(goroutine(n, flat, creator="app.start") for n in range(1, 4)),
        *(goroutine(n, deep, creator="app.start") for n in range(4, 8)),
    )
    values = compared(before, after)
    assert {tuple(entry["counts"]): entry["verdict"] for entry in values["buckets"]} == {
        (6, 3): "shrunk",
        (0, 4): "new",
    }
    (standing,) = values["standings"]
    assert (standing["at"], standing["counts"], standing["verdict"], standing["stacks"]) == (
        "app.read",
        [6, 7],
        "grown",
        2,
    )
    (creator,) = values["creators"]
    assert (creator["created_by"], creator["counts"]) == ("app.start", [6, 7])


@pytest.mark.parametrize("name", ["v0.40.1-mixed", "v0.41.0-fixed-quic", "v0.39.0-quiet"])
def test_every_sum_is_the_number_of_goroutines(name: str) -> None:
    """By signature, by standing and by creator: no goroutine is lost or counted twice."""
    values = compared(*run_of(name))
    for kind in ("buckets", "standings", "creators"):
        sums = [sum(column) for column in zip(*(entry["counts"] for entry in values[kind]), strict=True)]
        assert sums == values["goroutines"]["counts"]


def test_text_and_profile_are_compared_by_functions() -> None:
    """A protobuf profile shows the runtime's frames and tells no wait reasons: stacks match all the same."""
    folder = KUBO / "v0.40.1-stalled-tcp"
    values = compared(folder / "goroutine.debug2-01.txt.gz", folder / "goroutine.debug0-01.pb.gz")
    assert values["functions_only"] is True
    assert values["persisted"] is None
    same = sum(min(entry["counts"]) for entry in values["buckets"])
    assert same > 0.97 * max(values["goroutines"]["counts"])


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ipfs-profile-2026-11-23T09_46_46.558123456Z.zip", "2026-11-23T09:46:46.558123+00:00"),
        ("ipfs-profile-2026-11-23T09_46_46+02_00.zip", "2026-11-23T07:46:46+00:00"),
        ("dumps/goroutines.2026-11-23 09:46:46.txt", "2026-11-23T09:46:46+00:00"),
        ("stacks-20261123-094646.gz", "2026-11-23T09:46:46+00:00"),
        ("stacks-20261123.gz", None),
        ("2026-13-23T09_46_46Z", None),
        ("1234567890123456789012", None),
        ("goroutines.stacks", None),
        ("-", None),
    ],
)
def test_the_time_in_a_name(name: str, expected: str | None) -> None:
    """Names of kubo's archives tell the time; other stamps of date and time to the second are read too."""
    found = captured_at(name, None)
    assert (None if found is None else found.isoformat()) == expected


def test_the_time_that_the_lab_noted() -> None:
    """capture.json beside a capture tells when it was taken."""
    folder = KUBO / "v0.40.1-mixed"
    noted = json.loads((folder / "capture.json").read_text())["captures"][0]["times"]["stack-01.txt.gz"]["started"]
    taken = captured_at(str(folder / "stack-01.txt.gz"), None)
    assert taken == datetime.fromisoformat(noted)
    assert taken.tzinfo == UTC


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"captures": [{"times": {"a.stacks": {"started": "soon"}}}]}', '{"captures": 3}']
)
def test_somebody_elses_notes_are_left_alone(tmp_path: Path, text: str) -> None:
    """A capture.json that is not the lab's tells nothing."""
    (tmp_path / "capture.json").write_text(text)
    assert captured_at(str(tmp_path / "a.stacks"), None) is None


@given(st.text(max_size=60))
def test_any_name_is_looked_at(name: str) -> None:
    """Whatever a file is called, there is a time or there is none."""
    assert captured_at("-", name) is None or isinstance(captured_at("-", name), datetime)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("1h30m", 5400), ("1.5s", 1.5), ("500ms", 0.5), ("2h", 7200)]
)
def test_intervals(text: str, seconds: float) -> None:
    """Durations as Go prints them."""
    assert interval(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "m", "-5s", "1 hour", "0s"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    """Said in words."""
    with pytest.raises(StackscanError):
        interval(text)


# -- the command -------------------------------------------------------------------------------------------------------


def test_json_is_the_contract(tmp_path: Path) -> None:
    """Names that scripts rely on."""
    one = dump(tmp_path / "1", goroutine(1, ["app.main"]))
    two = dump(tmp_path / "2", goroutine(1, ["app.main"]), goroutine(2, ["app.new"]))
    done = run("compare", one, two, "--format", "json")
    assert done.returncode == 0
    values = json.loads(done.stdout)
    assert (values["schema"], values["schema_version"]) == ("stackscan.compare", 1)
    assert values["snapshots"] == [str(one), str(two)]
    new, main = values["buckets"]
    assert (new["counts"], new["change"], new["verdict"], new["persisted"]) == ([0, 1], 1, "new", 0)
    assert (main["counts"], main["change"], main["verdict"], main["persisted"]) == ([1, 1], 0, "steady", 1)
    assert len(main["signature"]) == 12


def test_one_capture_is_no_comparison(tmp_path: Path) -> None:
    """Two are needed; what cannot be read is refused as everywhere; nothing is written."""
    one = dump(tmp_path / "1", goroutine(1, ["app.main"]))
    out = tmp_path / "out"
    assert_refused(run("compare", one, "-o", out), "needs two")
    assert_refused(run("compare", one, tmp_path / "none", "-o", out), "none does not exist")
    assert_refused(run("compare", one, one, "--interval", "soon", "-o", out), "'soon' is not an interval")
    assert not out.exists()


def test_a_dump_without_goroutines_is_compared() -> None:
    """All is new, and why nobody stayed is said."""
    go = FIXTURES / "go" / "go1.27"
    values = compared(go / "panic_nilderef_none.txt", go / "pool.txt")
    assert values["goroutines"]["counts"] == [0, 14]
    assert {entry["verdict"] for entry in values["buckets"]} == {"new"}
    assert values["notes"] == ["one capture has no goroutines: none can have stayed"]
    assert compared(go / "panic_nilderef_none.txt", go / "panic_nilderef_none.txt")["buckets"] == []


def test_a_file_of_several_dumps_is_several_captures(tmp_path: Path) -> None:
    """A log with two dumps in it is compared with itself over time."""
    path = tmp_path / "log"
    block = goroutine(1, ["app.main"])
    path.write_text(f"first\n\n{block}\nlater\n\n{block}")
    found = taken(path)
    assert len(found) == 2
    assert as_json(compare(found))["persisted"] == 1


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("name", ["v0.40.1-mixed"])
def test_the_text_fits_its_terminal(columns: int, name: str) -> None:
    """No line is wider than the terminal, and numbers stand in columns: a capture, a column."""
    code, shown = run_on_terminal("compare", *run_of(name), columns=columns)
    lines = ANSI.sub("", shown).splitlines()
    assert code == 0
    assert max(len(line) for line in lines) <= columns
    grew = lines[lines.index("Grew") + 1]
    assert grew.startswith("     0     5     4     2      +2  ")
    assert any(line.startswith("     4     9     8     6  of 12 bitswap-task-workers") for line in lines)


def test_in_a_pipe_no_line_is_cut() -> None:
    """Names are whole."""
    done = run("compare", *run_of("v0.39.0-unbounded-tcp"))
    assert "…" not in done.stdout
    assert (
        "✗ bitswap-close-stall: 12 workers are the same goroutines in the same stacks in all 4 captures" in done.stdout
    )
    assert "12 waited without a break" in done.stdout


def test_many_captures_are_a_curve(tmp_path: Path) -> None:
    """Of more than six captures the first, a curve and the last are shown."""
    paths = [dump(tmp_path / f"{n}", *(goroutine(i, ["app.a"]) for i in range(1, n + 2))) for n in range(8)]
    done = run("compare", *paths)
    assert "1 ▂▃▄▅▅▆▇█ 8 goroutines (+7)" in done.stdout
    assert _curve([0, None, 7]) == "▁ █"


def test_names_are_said_without_what_they_share() -> None:
    """The folder once; a member only where members differ."""
    values = comparison(*run_of("v0.40.1-quiet", "*.zip"))
    folder, told = names(values.captures)
    assert folder == f"{KUBO}/v0.40.1-quiet/"
    assert told == ["ipfs-profile-01.zip", "ipfs-profile-02.zip"]


def test_hostile_names_do_not_act(tmp_path: Path) -> None:
    """Function names of strangers reach no output raw."""
    evil = goroutine(1, ["app.\x1b[31mred\u202e"], state="select")
    one, two = dump(tmp_path / "1", evil), dump(tmp_path / "2", evil, goroutine(2, ["app.\x1b]0;x\x07"]))
    for output in ("text", "json"):
        shown = run("compare", one, two, "-f", output).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown


@pytest.mark.skipif(CORPUS is None, reason="the corpus is not here")
def test_two_dumps_of_one_leaking_process() -> None:
    """giskook+ecs: 5,067 goroutines of TxGasLogger in both, told although debug=1 gives no ids."""
    assert CORPUS is not None
    folder = CORPUS / "third-party" / "giskook+ecs"
    values = compared(folder / "goroutines.log", folder / "goroutines2.log")
    assert values["goroutines"]["counts"] == [5171, 5170]
    assert values["persisted"] is None
    most = max(values["standings"], key=lambda standing: standing["least"])
    assert most["at"].endswith("(*TxGasLogger).Start.func1")
    assert (most["counts"], most["verdict"]) == ([5067, 5067], "steady")
