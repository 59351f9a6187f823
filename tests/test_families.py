"""Who started whom: creation sites, creators and their goroutines."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import FIXTURES, goroutine, json_of, rendered, report_of, snapshot_of
from stackscan import formats
from stackscan.analysis.creation_sites import Creator, creation_sites, families_of
from stackscan.knowledge.configuration import shipped
from stackscan.model.snapshot import Snapshot
from stackscan.pipeline import Options, scan


def server(children: int, *, alive: bool = True) -> Snapshot:
    """A server's goroutines: one accept loop (goroutine 5, started by main) and the handlers that it started."""
    texts = [goroutine(1, ["main.main"], state="select")]
    if alive:
        texts.append(
            goroutine(5, ["net.(*L).Accept", "web.(*S).Serve"], state="IO wait", creator="main.main", creator_id=1)
        )
    for number in range(children):
        state = "select" if number % 3 else "chan send, 7 minutes"
        texts.append(
            goroutine(10 + number, [f"web.handle{number % 2}"], state=state, creator="web.(*S).Serve", creator_id=5)
        )
    return snapshot_of("\n".join(texts))


def test_a_pile_up_leads_to_its_go_statement() -> None:
    """Handlers in several places and states are one family: they have one creation site, and one creator."""
    (family,) = creation_sites(server(12))
    assert ("web.(*S).Serve", 12, 7) == (family.created_by.function, family.count, family.max_wait_minutes)
    assert (("select", 8), ("chan send", 4)) == family.states
    assert (Creator(5, 12, True, "net.(*L).Accept", "IO wait"),) == family.creators  # noqa: FBT003
    assert 1 == family.distinct_creators
    assert ("main.main",) == family.ancestry


def test_a_creator_that_ended_is_still_named() -> None:
    """Ids are not used twice: the id of a goroutine that is gone says that it is gone."""
    (family,) = creation_sites(server(12, alive=False))
    assert (Creator(5, 12, False, None, None),) == family.creators  # noqa: FBT003
    assert () == family.ancestry


def test_few_goroutines_are_nobodys_pile_up() -> None:
    """Nine of one site are not listed, ten are."""
    assert () == creation_sites(server(9))
    assert 1 == len(creation_sites(server(10)))


def test_the_family_of_what_a_rule_caught() -> None:
    """How many of the family were caught, and what their siblings do."""
    snapshot = server(12)
    caught = [number for number, stack in enumerate(snapshot.stacks) if "web.handle1" in stack.functions]
    orphans = [number for number, stack in enumerate(snapshot.stacks) if stack.created_by is None]
    (family,), nobodys, of_orphans = families_of(snapshot, [caught, [], orphans])
    assert (6, 12) == (family.caught, family.count)
    assert () == nobodys == of_orphans


def test_versions_without_creators_ids_still_have_sites() -> None:
    """Up to Go 1.20 the go statement is known and who ran it is not."""
    texts = [goroutine(number, ["main.work"], creator="main.spawn") for number in range(1, 13)]
    (family,) = creation_sites(snapshot_of("\n".join(texts)))
    assert (12, (), None, ()) == (family.count, family.creators, family.distinct_creators, family.ancestry)


def test_a_goroutine_that_started_itself_anew_ends_the_line() -> None:
    """Damaged text may say that two goroutines started each other: the line of descent ends."""
    texts = [goroutine(number, ["main.work"], creator="main.spawn", creator_id=3 - number) for number in (1, 2)]
    texts += [goroutine(number, ["main.work"], creator="main.other", creator_id=1) for number in range(3, 14)]
    (family,) = creation_sites(snapshot_of("\n".join(texts)))
    assert 10 >= len(family.ancestry) >= 2


def test_a_printed_line_of_descent_is_used() -> None:
    """GODEBUG=tracebackancestors prints creators that ended long ago."""
    data = (FIXTURES / "go" / "go1.26" / "ancestors.txt").read_bytes()
    (snapshot,) = formats.read(data, where="ancestors")
    deepest = snapshot.ancestors.sort("depth")[-1]["goroutine_id"].item()
    stack = snapshot.goroutines.filter(snapshot.goroutines["goroutine_id"] == deepest)["stack_id"].item()
    ((family,),) = families_of(snapshot, [[stack]])
    assert len(family.ancestry) >= 1


@pytest.mark.parametrize("name", ["leak.debug1.txt", "pool.debug1.txt"])
def test_counted_formats_have_no_families(name: str) -> None:
    """Counts keep no creators: there is nothing to tell, and no error."""
    folder = "go1.26" if name.startswith("leak") else "go1.27"
    (snapshot,) = formats.read((FIXTURES / "go" / folder / name).read_bytes(), where=name)
    assert () == creation_sites(snapshot)


def test_the_report_tells_who_started_the_stalled_workers() -> None:
    """A finding says how many of its family it caught and who started them; JSON and text agree."""
    path = FIXTURES / "kubo" / "v0.40.1-stalled-tcp" / "stack-01.txt.gz"
    (snapshot,) = json_of(path)["snapshots"]
    (finding,) = [found for found in snapshot["findings"] if found["rule"] == "bitswap-close-stall"]
    (family,) = finding["families"]
    assert (12, 12) == (family["caught"], family["count"])
    assert family["created_by"]["function"].endswith("bitswap/server.(*Server).startWorkers")
    assert [1] == [creator["goroutine_id"] for creator in family["creators"]]
    shown = " ".join(rendered(scan([str(path)], options=Options(shipped(), everything=True)), "text").split())
    assert "started by goroutine 1 at server.go:253 (12 of 12)" in shown
    assert "Created at where most of these goroutines were started" in shown
    assert sorted(snapshot["families"], key=lambda f: -f["count"]) == snapshot["families"]


def test_names_from_a_dump_reach_no_terminal_raw(tmp_path: Path) -> None:
    """Escape sequences in function names and wait reasons are shown, not obeyed, here too."""
    evil = "main.\x1b[31mspawn"
    texts = [goroutine(number, ["main.work"], state="se\x1b[2Jlect", creator=evil) for number in range(1, 13)]
    path = tmp_path / "dump.txt"
    path.write_text("\n".join(texts), encoding="utf-8")
    report = report_of(path)
    assert 1 == len(report.snapshots[0].families)
    for output in ("text", "markdown"):
        assert "\x1b" not in rendered(report, output)
