"""Many captures as one answer: what counts, on which hosts, what grows, who differs, and what could not be read."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import random
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from helpers import FIXTURES, GOLDEN, golden, run
from stackscan import __version__, api, scan
from stackscan.errors import SourceError, StackscanError
from stackscan.fleet.answer import answer
from stackscan.fleet.gather import Gathering
from stackscan.fleet.model import Fleet
from stackscan.fleet.observe import Observe
from stackscan.fleet.row import Row, Unread
from stackscan.fleet.survey import each_part
from stackscan.knowledge.configuration import shipped
from stackscan.pipeline import Options
from stackscan.redaction import Redaction
from stackscan.render import renderer
from stackscan.sources.parts import split

_PATTERN: Final = "{service}/{host}/{time:%Y%m%dT%H%M%S}.txt"
_START: Final = datetime(2026, 4, 22, 10, tzinfo=UTC)
_STALLED: Final = FIXTURES / "kubo" / "v0.41.0-boxo-v0.38.0-stalled-tcp" / "stack-02.txt.gz"


def dump(*groups: tuple[int, str, str], salt: int = 0, minutes: int = 0) -> str:
    """A full text of so many goroutines in a function with a wait reason; ``salt`` makes it unlike others."""
    blocks = [f"goroutine {salt + 1} [chan receive]:\nmain.main()\n\t/src/main.go:{salt + 10} +0x1d\n"]
    for count, function, reason in groups:
        wait = f", {minutes} minutes" if minutes else ""
        for _ in range(count):
            blocks.append(
                f"goroutine {salt + len(blocks) + 1} [{reason}{wait}]:\n{function}(0xc000012345)\n"
                f"\t/src/{function.split('.')[0]}/work.go:37 +0x4d\n"
                "created by main.main in goroutine 1\n\t/src/main.go:20 +0x3f\n"
            )
    return "\n".join(blocks)


def put(folder: Path, service: str, host: str, step: int, text: str | bytes) -> Path:
    """Write a capture where the pattern looks for it, ten minutes a step."""
    path = folder / service / host / f"{_START + timedelta(minutes=10 * step):%Y%m%dT%H%M%S}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def fleet_of(*sources: Path, pattern: str | None = _PATTERN, **options: Any) -> Fleet:
    return api.fleet(map(str, sources), pattern=pattern, **options)


def shown(fleet: Fleet, output: str = "text", **options: Any) -> str:
    out = io.StringIO()
    renderer("fleet", output)(fleet, out, **options)
    return out.getvalue()


def rows_of(folder: Path, **options: Any) -> list[Row | Unread]:
    observe = Observe(None, 10_000, **options)
    with each_part([*split(str(folder))], observe, options=Options(shipped(), projected=False)) as found:
        return [row for rows in found for row in rows]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet with a leak on two of six hosts, a stall, an odd host, and a file that is no capture."""
    folder = tmp_path_factory.mktemp("fleet")
    for number in range(6):
        host = f"h{number}"
        for step in range(4):
            leaked = 30 * step if number < 2 else 0
            odd = (80, "store.flush", "IO wait") if number == 4 else (5, "store.flush", "IO wait")
            text = dump((leaked, "queue.audit", "chan receive"), odd, salt=number * 100 + step, minutes=10 * step)
            put(folder, "shop", host, step, text)
    put(folder, "ipfs", "k1", 0, gzip.decompress(_STALLED.read_bytes()))
    put(folder, "shop", "h5", 9, b"<html>502 Bad Gateway</html>")
    return folder


def test_the_answer_names_what_is_wrong_and_where(planted: Path) -> None:
    """A leak once with both hosts and its rate, the stall, the odd host, the pool, the unreadable capture."""
    fleet = fleet_of(planted)
    leak = next(one for one in fleet.findings if one.kind == "leak")
    assert ("leak", "queue.audit", "error") == (leak.cause, leak.place, leak.severity)
    assert (("h0", "h1"), 2, 6) == (leak.hosts, leak.hosts_hit, leak.hosts_seen)
    assert (180, (2 * 90**2 / 6) ** 0.5) == (leak.total, leak.rms)
    assert (2, 2, 180.0) == (leak.trend.judged, leak.trend.growing, leak.trend.rate_per_hour)
    assert ("h0", 90) == (leak.worst.host, leak.worst.count)
    assert _START + timedelta(minutes=10) == leak.first_seen
    stall = next(one for one in fleet.findings if one.rule == "bitswap-close-stall")
    assert (("k1",), 1, ("ipfs",)) == (stall.hosts, stall.hosts_seen, stall.services)
    assert {"bitswap-task-workers", "bitswap-engine-workers"} == {pool.name for pool in fleet.pools if pool.near}
    assert ["h4"] == [one.host for one in fleet.odd_hosts]
    odd = fleet.odd_hosts[0]
    assert (80, 5, 5) == (odd.differences[0].count, odd.differences[0].median, odd.siblings)
    assert [("h5", "shop")] == [(one.host, one.service) for one in fleet.unreadable]
    assert (25, 7, ("ipfs", "shop")) == (fleet.captures, fleet.hosts, fleet.services)


def test_the_order_of_inputs_does_not_matter(planted: Path) -> None:
    """Rows in any order give the same answer to the byte."""
    observed = rows_of(planted)
    answers = set()
    for seed in range(3):
        random.Random(seed).shuffle(observed)  # noqa: S311
        gathering = Gathering()
        for row in observed:
            gathering.take(row)
        gathering.seconds = 0.0
        answers.add(shown(answer(gathering, threshold=10_000), "json"))
    assert 1 == len(answers)


def test_several_processes_say_the_same(planted: Path) -> None:
    """And rows are small and can be pickled."""
    one, two = fleet_of(planted, jobs=1), fleet_of(planted, jobs=2)
    assert replace(one, seconds=0.0) == replace(two, seconds=0.0)
    assert max(len(pickle.dumps(row)) for row in rows_of(planted)) < 40_000


def test_growth_by_chance_is_no_leak(tmp_path: Path) -> None:
    """Requests that come and go on many hosts: some rise three times in a row."""
    chance = random.Random(7)  # noqa: S311
    for number in range(40):
        for step in range(4):
            count = max(0, round(chance.gauss(20, 20**0.5)))
            put(tmp_path, "shop", f"h{number}", step, dump((count, "web.serve", "select"), salt=number * 100 + step))
    fleet = fleet_of(tmp_path)
    assert ((), ()) == (fleet.findings, fleet.odd_hosts)
    assert shown(fleet).startswith("✓ no problem found on all 40 hosts")


def test_hosts_with_more_load_are_not_odd(tmp_path: Path) -> None:
    """Siblings that differ in proportion to their load, as those of all services here do."""
    chance = random.Random(11)  # noqa: S311
    for number in range(60):
        load = chance.uniform(0.7, 1.3)
        places = [(round(chance.gauss(size * load, size**0.5)), f"web.serve{size}", "select") for size in (50, 80, 120)]
        put(tmp_path, f"shop{number % 10}", f"h{number}", 0, dump(*places, salt=number))
    assert () == fleet_of(tmp_path).odd_hosts
    odd = dump((50, "web.serve50", "select"), (80, "web.serve80", "select"), (400, "web.serve120", "select"), salt=99)
    put(tmp_path, "shop1", "h99", 0, odd)
    assert ["h99"] == [one.host for one in fleet_of(tmp_path).odd_hosts]


def test_young_goroutines_are_no_leak(tmp_path: Path) -> None:
    """More load from capture to capture: even the oldest goroutine waits for less than a minute."""
    for step in range(4):
        put(tmp_path, "shop", "h1", step, dump((100 + 60 * step, "web.serve", "select"), salt=step))
    assert () == fleet_of(tmp_path).findings


def test_a_restart_ends_a_series(tmp_path: Path) -> None:
    """A leak that a deploy took back is seen before it and after it."""
    for step, count in enumerate((40, 80, 120, 0, 40, 80, 120)):
        put(
            tmp_path,
            "shop",
            "h1",
            step,
            dump((count, "queue.audit", "chan receive"), salt=step, minutes=10 * (step % 4) + 9),
        )
    (leak,) = (one for one in fleet_of(tmp_path).findings if one.kind == "leak")
    assert (1, 240.0) == (leak.trend.growing, leak.trend.rate_per_hour)


def test_very_many_goroutines_at_one_line_are_a_finding_without_a_rule(tmp_path: Path) -> None:
    """LeakProf's threshold, which can be chosen."""
    put(tmp_path, "shop", "h1", 0, dump((60, "queue.audit", "chan send")))
    put(tmp_path, "shop", "h2", 0, dump((10, "queue.audit", "chan send"), salt=5))
    (crowd,) = fleet_of(tmp_path, threshold=50).findings
    assert ("crowd", "warning", ("h1",), 60, "work.go:37") == (
        crowd.kind,
        crowd.severity,
        crowd.hosts,
        crowd.total,
        crowd.location,
    )
    assert () == fleet_of(tmp_path, threshold=61).findings


def crew(idle: int, busy: int, salt: int, *, busy_in: str = "chan send") -> str:
    """Workers of a pool that no file describes, some idle in a select and some busy."""
    block = (
        "goroutine {id} [{reason}]:\n"
        "example.com/shop/jobs.{function}(0xc000012345)\n\t/src/jobs/{function}.go:{line} +0x4d\n"
        "example.com/shop/jobs.(*Queue).work(0xc000012345)\n\t/src/jobs/queue.go:30 +0x4d\n"
        "created by example.com/shop/jobs.Start in goroutine 1\n\t/src/jobs/queue.go:20 +0x3f\n"
    )
    states = [("select", "(*Queue).next", 40)] * idle + [(busy_in, "send", 50)] * busy
    blocks = (block.format(id=salt + n, reason=r, function=f, line=at) for n, (r, f, at) in enumerate(states, 2))
    return "\n".join([dump(salt=salt), *blocks])


def test_a_pool_that_nobody_described_is_found_where_all_its_workers_are_busy(tmp_path: Path) -> None:
    """By its siblings: the same root and creator, as many workers, some of them idle; and where all are idle."""
    for number, busy in enumerate((12, 2, 3, 4, 0)):
        put(tmp_path, "shop", f"h{number}", 0, crew(12 - busy, busy, number * 100))
    put(tmp_path, "other", "x", 0, crew(0, 12, 900))  # another service: no sibling shows that it is a pool
    put(tmp_path, "shop", "small", 0, crew(0, 8, 950))  # of another size
    (pool,) = fleet_of(tmp_path).pools
    assert ("example.com/shop/jobs.(*Queue).work", False, 5, 60) == (pool.name, pool.known, pool.hosts, pool.workers)
    assert [("h0", 12, 12.0)] == [(one.host, one.workers, one.busy) for one in pool.near]
    assert (21.0, None) == (pool.offered_load_erlangs, pool.high)
    text = shown(fleet_of(tmp_path))
    assert "1 pool near saturation" in text.splitlines()[0]
    assert "(possible pool); offered load at least 14.1 erlangs (95%)" in " ".join(text.split())


def test_the_offered_load_has_an_interval(tmp_path: Path) -> None:
    """Garwood's, of one capture of each host however many there are; where no host is full both ends are known."""
    for number, busy in enumerate((2, 3, 4)):
        for step in range(3):
            put(tmp_path, "shop", f"h{number}", step, crew(12 - busy, busy, number * 100 + step * 20))
    (pool,) = fleet_of(tmp_path).pools
    assert (9.0, 36) == (pool.offered_load_erlangs, pool.workers)
    assert (4.695, 15.705) == (round(pool.low, 3), round(pool.high or 0, 3))  # chi-squared tables: 9.39/2, 31.41/2
    found = json.loads(shown(fleet_of(tmp_path), "json"))["pools"][0]
    assert ([pool.low, pool.high], None) == (found["offered_load_interval"], found["offered_load_at_least"])


def test_connections_that_are_all_busy_are_no_pool_near_saturation(tmp_path: Path) -> None:
    """A healthy server of long polls: the next connection gets a goroutine, too, however often one looks."""
    (poll,) = (FIXTURES / "go" / "go1.26").glob("service_long-poll.txt*")
    text = poll.read_text()
    for step in range(12):
        put(tmp_path, "chat", "a", step, text.replace("[select]", f"[select, {step + 1} minutes]"))
    assert 12 == fleet_of(tmp_path).captures
    assert () == fleet_of(tmp_path).pools


def test_hidden_names_show_no_pool_that_nobody_described(tmp_path: Path) -> None:
    """Its name is a function's; rows do not hold it either."""
    for number, busy in enumerate((12, 2, 3)):
        put(tmp_path, "shop", f"h{number}", 0, crew(12 - busy, busy, number * 100))
    assert () == fleet_of(tmp_path, redaction=Redaction(b"0" * 32)).pools
    rows = rows_of(tmp_path, hide=Redaction(b"0" * 32))
    assert not any(row.crews for row in rows if isinstance(row, Row))


def test_equal_captures_count_once(tmp_path: Path) -> None:
    """The same capture under another name, with and without its host; another host's equal capture is another one."""
    text = dump((12, "queue.audit", "chan send"))
    put(tmp_path, "shop", "h1", 0, text)
    put(tmp_path, "shop", "h1", 1, text)
    put(tmp_path, "shop", "h2", 0, text)
    (tmp_path / "copy.stacks").write_text(text)
    fleet = fleet_of(tmp_path)
    assert (2, 2, 2) == (fleet.captures, fleet.equal, fleet.hosts)


def test_a_second_format_of_a_moment_counts_once(tmp_path: Path) -> None:
    """Text and protobuf of one time of one host: the text says more."""
    growth = FIXTURES / "growth" / "leak"
    for name, source in (("1.txt.gz", "debug2-01.txt.gz"), ("1.pb.gz", "debug0-01.pb.gz")):
        (tmp_path / f"h1-20260422T100000-{name}").write_bytes((growth / source).read_bytes())
    fleet = fleet_of(tmp_path, pattern="{host}-{time:%Y%m%dT%H%M%S}-*")
    assert (1, 1) == (fleet.captures, fleet.views)


def test_what_is_new_since_a_deploy(tmp_path: Path) -> None:
    """Known before, new, and not to be known without an earlier capture."""
    at = _START + timedelta(minutes=15)
    for step in range(4):
        put(
            tmp_path,
            "shop",
            "h1",
            step,
            dump((60, "old.audit", "chan send"), (60 * (step > 1), "new.audit", "chan send"), salt=step),
        )
    put(tmp_path, "late", "h9", 3, dump((60, "late.audit", "chan send"), salt=9))
    fleet = fleet_of(tmp_path, threshold=50, since=at)
    assert {"old.audit": False, "new.audit": True, "late.audit": None} == {one.place: one.new for one in fleet.findings}
    assert fleet.fails("warning")
    assert not fleet.fails("error")
    known = replace(fleet, findings=tuple(one for one in fleet.findings if one.new is False))
    assert not known.fails("warning")
    assert replace(known, since=None).fails("warning")


def test_versions_that_have_it_and_versions_that_do_not(tmp_path: Path) -> None:
    """By the pattern."""
    for version, count in (("v1", 0), ("v2", 60)):
        (tmp_path / f"h1-{version}.txt").write_text(dump((count, "queue.audit", "chan send")))
    (crowd,) = fleet_of(tmp_path, pattern="{host}-{version}.txt", threshold=50).findings
    assert (("v2",), ("v1",)) == (crowd.versions, crowd.versions_without)


def test_nodes_of_a_debug_zip_are_hosts(tmp_path: Path) -> None:
    """Three nodes in one zip: three hosts; both texts of a node show one process."""
    with zipfile.ZipFile(tmp_path / "debug.zip", "w") as packed:
        for node in (1, 2, 3):
            text = dump((60, "kv.wait", "chan send"), salt=node)
            packed.writestr(f"debug/nodes/{node}/stacks.txt", text)
            packed.writestr(f"debug/nodes/{node}/status.json", "{}")
    fleet = fleet_of(tmp_path / "debug.zip", pattern=None, threshold=50)
    (crowd,) = fleet.findings
    assert (("n1", "n2", "n3"), 3, 0) == (crowd.hosts, fleet.captures, len(fleet.unreadable))


def test_labels_with_a_defined_meaning_name_the_origin(tmp_path: Path) -> None:
    """OpenTelemetry's; a label `host` may be that of a request."""
    labels = '{"host": other, host.name: "web-7", service.name: shop}'
    (tmp_path / "x.stacks").write_text(re.sub(r"(\[[^\]]*\]):", rf"\1 {labels}:", dump((60, "a.b", "chan send"))))
    (crowd,) = fleet_of(tmp_path, pattern=None, threshold=50).findings
    assert (("shop",), ("web-7",)) == (crowd.services, crowd.hosts)


def test_more_than_a_thousand_members(tmp_path: Path) -> None:
    """Of a folder and of a zip; other commands name the one that reads them."""
    (tmp_path / "many").mkdir()
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as packed:
        for number in range(1_030):
            text = dump(salt=number)
            (tmp_path / "many" / f"h{number}.txt").write_text(text)
            packed.writestr(f"h{number}.txt", text)
    for source in ("many", "many.zip"):
        assert 1_030 == fleet_of(tmp_path / source, pattern="{host}.txt").hosts
    with pytest.raises(StackscanError, match="more than 1,000 goroutine dumps") as caught:
        scan(tmp_path / "many.zip")
    assert "stackscan fleet" in caught.value.hint


def test_twenty_one_hosts_are_one_finding(tmp_path: Path) -> None:
    """One finding explained once, and the answer fits on a screen."""
    text = gzip.decompress(_STALLED.read_bytes()).decode()
    for number in range(21):
        (tmp_path / f"host{number:02}.stacks").write_text(
            text.replace("goroutine 1 ", f"goroutine {900_000 + number} ")
        )
    fleet = fleet_of(tmp_path, pattern="{host}.stacks")
    assert [21] == [one.hosts_hit for one in fleet.findings if one.rule == "bitswap-close-stall"]
    assert 40 > len(shown(fleet).splitlines())


def test_one_unreadable_file_does_not_end_the_run(tmp_path: Path) -> None:
    """It is listed with host and reason; only when nothing can be read the command ends with 2."""
    put(tmp_path, "shop", "h1", 0, dump())
    broken = put(tmp_path, "shop", "h2", 0, b"\x1f\x8b\x08\x00")
    done = run("fleet", "--pattern", _PATTERN, "--format", "json", str(tmp_path))
    assert 0 == done.returncode
    assert [("h2", str(broken))] == [(one["host"], one["capture"]) for one in json.loads(done.stdout)["unreadable"]]
    (tmp_path / "shop" / "h1" / "20260422T100000.txt").unlink()
    with pytest.raises(SourceError, match="no capture could be read"):
        fleet_of(tmp_path)


def test_a_folder_that_cannot_be_listed_does_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with the reason."""
    put(tmp_path, "shop", "h1", 0, dump())
    closed = put(tmp_path, "shop", "h2", 0, dump()).parent
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    fleet = fleet_of(tmp_path)
    assert (1, [(str(closed), "it cannot be listed: Permission denied")]) == (
        fleet.captures,
        [(one.capture, one.reason) for one in fleet.unreadable],
    )


def test_other_files_of_a_bundle_are_no_captures(tmp_path: Path) -> None:
    """A kubo bundle holds a program and other profiles; a link is not followed."""
    source = FIXTURES / "kubo" / "v0.41.0-quiet" / "ipfs-profile-01.zip"
    (tmp_path / "ipfs-profile-01.zip").write_bytes(source.read_bytes())
    (tmp_path / "link").symlink_to(source)
    fleet = fleet_of(tmp_path, pattern=None)
    assert (1, 0, 1) == (fleet.captures, len(fleet.unreadable), fleet.other_files)


_HOSTILE: Final = "h\x1b[31m|`*<b>@x"


def test_hostile_names_are_shown_harmless(tmp_path: Path) -> None:
    """Names of hosts and files come from strangers."""
    put(tmp_path, "shop", _HOSTILE, 0, dump((60, "queue.audit", "chan send")))
    put(tmp_path, "shop", _HOSTILE, 1, b"\xff\x00")
    fleet = fleet_of(tmp_path, threshold=50)
    for output in ("text", "json", "markdown"):
        text = shown(fleet, output)
        assert "\x1b" not in text
    unread = shown(fleet, "markdown").partition("**Could not be read**")[2]
    assert ("<b>" not in unread, "|" in unread.replace("\\|", "")) == (True, False)
    assert _HOSTILE in json.loads(shown(fleet, "json"))["findings"][0]["hosts"]


def test_redaction_hides_hosts_services_and_paths(planted: Path) -> None:
    """Equal names have equal hashes; versions and numbers stay."""
    fleet = fleet_of(planted, redaction=Redaction(b"0" * 32))
    for output in ("text", "json", "markdown"):
        text = shown(fleet, output, everything=True)
        assert not re.search(r"\b(shop|h[0-5]|k1|queue|audit)\b", text.replace("audit [", "[")), text
        assert str(planted) not in text
    assert 2 == next(one for one in fleet.findings if one.kind == "leak").hosts_hit


@pytest.mark.generated
@pytest.mark.parametrize(("output", "ending"), [("text", "txt"), ("json", "json"), ("markdown", "md")])
def test_the_outputs_are_as_kept(planted: Path, monkeypatch: pytest.MonkeyPatch, output: str, ending: str) -> None:
    """Golden files."""
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(fleet_of(planted), output).replace(str(planted), "dumps")
    golden(
        GOLDEN / f"fleet.{ending}", text.replace(f'"stackscan_version": "{__version__}"', '"stackscan_version": "?"')
    )


@pytest.mark.parametrize("columns", [80, 140])
def test_the_text_fits_on_a_screen(planted: Path, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """The verdict is the first line."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = shown(fleet_of(planted)).splitlines()
    assert lines[0].startswith("✗ 2 problems on 3 of 7 hosts")
    assert 40 >= len(lines)


def test_the_command_fails_on_what_it_is_asked_to(planted: Path, tmp_path: Path) -> None:
    """--fail-on ends with 1; a wrong pattern or time with 2 and what to do."""
    assert 1 == run("fleet", "--pattern", _PATTERN, "--fail-on", "error", str(planted)).returncode
    put(tmp_path, "shop", "h1", 0, dump())
    assert 0 == run("fleet", "--fail-on", "info", str(tmp_path)).returncode
    done = run("fleet", "--pattern", "{hots}/x", str(tmp_path))
    assert (2, True) == (done.returncode, "'hots' is no field" in done.stderr)
    assert 2 == run("fleet", "--since", "yesterday", str(tmp_path)).returncode
