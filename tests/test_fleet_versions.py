"""Two versions of a fleet: what is new, gone, worse and better, and what chance alone explains."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from helpers import run
from stackscan.errors import UsageError
from stackscan.fleet.answer import answer
from stackscan.fleet.gather import Gathering
from stackscan.fleet.model import Change, Fleet
from stackscan.fleet.pattern import Origin
from stackscan.fleet.row import Row, Seen
from stackscan.render import renderer

_START: Final = datetime(2026, 4, 22, 10, tzinfo=UTC)
#: Service, host, version, step, and the goroutines of each rule.
Capture = tuple[str | None, str, str | None, int, dict[str, int]]


def fleet_of(captures: Iterable[Capture], compared: str | None) -> Fleet:
    gathering = Gathering()
    for service, host, version, step, counts in captures:
        seen = (
            Seen(rule, None, "error", f"{rule} is bad", "", f"main.{rule}", "x.go:1", n) for rule, n in counts.items()
        )
        gathering.take(
            Row(
                origin=Origin(service, host, version, _START + timedelta(minutes=step)),
                where=f"{service}/{host}/{version}/{step}",
                digest=f"{service} {host} {version} {step}".encode(),
                format="goroutine-text",
                goroutines=sum(counts.values()),
                complete=True,
                leak_profile=False,
                seen=tuple(each for each in seen if each.count),
                spots=(),
                crowds=(),
                pools=(),
            )
        )
    return answer(gathering, threshold=10_000, compared=compared)


def deployed(before: dict[str, int], after: dict[str, int], *, hosts: int = 8) -> list[Capture]:
    """A service whose hosts all ran 1.9.0 (twice as long) and then 1.10.0."""
    steps = ((0, "1.9.0", before), (1, "1.9.0", before), (2, "1.10.0", after))
    return [("shop", f"h{number}", version, step, counts) for number in range(hosts) for step, version, counts in steps]


def changes(fleet: Fleet) -> dict[str, Change | None]:
    return {one.name: one.change for one in fleet.findings}


def test_new_gone_worse_better_and_the_same() -> None:
    """On the hosts of a service that ran both; the version before is by number (1.9.0), not by text."""
    before = {"gone": 20, "worse": 20, "better": 60, "same": 20}
    after = {"new": 20, "worse": 60, "better": 20, "same": 22}
    fleet = fleet_of(deployed(before, after), "1.10.0")
    assert fleet.versions_compared is not None
    assert ("1.9.0", "1.10.0", ("shop",)) == (
        fleet.versions_compared.before,
        fleet.versions_compared.after,
        fleet.versions_compared.services,
    )
    kinds = {name: change.kind for name, change in changes(fleet).items() if change is not None}
    assert {name: name for name in (*before, "new")} == kinds
    new = changes(fleet)["new"]
    assert new is not None
    assert (0, 8, 0.0, 8, 8, 20.0, True) == (
        new.hosts_before, new.seen_before, new.mean_before, new.hosts_after, new.seen_after, new.mean_after, new.certain
    )  # fmt: skip


def test_what_is_new_on_one_of_many_hosts_may_be_chance() -> None:
    """It is said, with the doubt."""
    captures = deployed({}, {}, hosts=20)
    captures[2][4]["rare"] = 2
    captures = [(a, b, c, d, dict(e) if (b, c) == ("h0", "1.10.0") else {}) for a, b, c, d, e in captures]
    fleet = fleet_of(captures, "1.10.0")
    rare = changes(fleet)["rare"]
    assert rare is not None
    assert ("new", 1, False) == (rare.kind, rare.hosts_after, rare.certain)
    assert "0 of 20 → 1 of 20 hosts, 0 → 0.1 goroutines on a host, may be chance" in shown(fleet, "text")


def test_versions_that_are_alike_show_no_change() -> None:
    """Two hundred fleets whose hosts vary like Poisson's, and by their load: at most a few false alarms."""
    chance = random.Random(5)  # noqa: S311
    alarms = 0
    for _ in range(200):
        captures: list[Capture] = []
        for number in range(6):
            load = chance.uniform(10, 60)
            counts = [max(1, round(chance.gauss(load, load**0.5))) for _ in range(2)]
            captures += [("shop", f"h{number}", f"1.{v}.0", v, {"busy": counts[v]}) for v in range(2)]
        change = changes(fleet_of(captures, "1.1.0"))["busy"]
        alarms += change is not None and change.kind != "same"
    assert 6 >= alarms


def test_hosts_of_either_version_are_compared_where_none_ran_both() -> None:
    """A canary: other hosts."""
    captures: list[Capture] = [("shop", f"a{n}", "1.0.0", 0, {"busy": 20 + n % 3}) for n in range(10)]
    captures += [("shop", f"b{n}", "1.1.0", 0, {"busy": 60 + n % 3}) for n in range(3)]
    change = changes(fleet_of(captures, "1.0.0..1.1.0"))["busy"]
    assert change is not None
    assert ("worse", 10, 3) == (change.kind, change.seen_before, change.seen_after)


def test_services_without_both_versions_and_unknown_versions_are_left_out() -> None:
    """And counted; their findings have no change and do not fail the run."""
    captures = deployed({}, {})
    captures += [("late", "l1", "1.10.0", 0, {"other": 50}), ("shop", "x", None, 0, {"other": 9})]
    fleet = fleet_of(captures, "v1.10.0")  # as captures have it, also without the v
    assert fleet.versions_compared is not None
    assert (1, 1) == (fleet.versions_compared.left_out, fleet.versions_compared.unknown)
    other = changes(fleet)["other"]
    assert other is not None
    assert ("same", 0, 0) == (other.kind, other.hosts_before, other.hosts_after)
    assert not fleet.fails("info")
    assert fleet_of(captures, None).fails("info")
    worse = fleet_of(deployed({}, {"new": 20}), "1.10.0")
    assert (True, False) == (worse.fails("error"), fleet_of(deployed({"gone": 9}, {}), "1.10.0").fails("error"))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("2.0.0", "no capture is of version '2.0.0'"),
        ("1.9.0", "1.9.0 has no version before it here"),
        ("abc", "abc is no semantic version"),
        ("1.9.0..1.9.0", "compares two versions"),
        ("..1.9.0", "no capture is of version ''"),
        ("1.9.0..abc", "no service has captures of both 1.9.0 and abc"),
    ],
)
def test_what_cannot_be_compared_is_said(asked: str, says: str) -> None:
    """With what to write."""
    captures = [*deployed({}, {}), ("other", "o1", "abc", 0, {})]
    with pytest.raises(UsageError) as caught:
        fleet_of(captures, asked)
    assert says in str(caught.value)
    assert caught.value.hint


def shown(fleet: Fleet, output: str) -> str:
    out = io.StringIO()
    renderer("fleet", output)(fleet, out)
    return out.getvalue()


def test_all_outputs_have_the_changes() -> None:
    """And none where nobody asked."""
    captures = deployed({"gone": 20}, {"fresh": 20})
    fleet = fleet_of(captures, "1.10.0")
    text = shown(fleet, "text")
    assert "1 new in 1.10.0" in text.splitlines()[0]
    assert "new: fresh in main.fresh: 0 of 8 → 8 of 8 hosts, 0 → 20 goroutines on a host\n" in text
    assert "gone: gone in main.gone: 8 of 8 → 0 of 8 hosts" in shown(fleet, "markdown")
    assert 'id="versions"' in shown(fleet, "html")
    found = json.loads(shown(fleet, "json"))
    assert ("1.9.0", "1.10.0") == (found["versions_compared"]["before"], found["versions_compared"]["after"])
    assert ["gone", "new"] == sorted(one["change"]["kind"] for one in found["findings"])
    for output in ("text", "markdown", "html"):
        assert "compared with" not in shown(fleet_of(captures, None), output)


def test_the_command_compares(tmp_path: Path) -> None:
    """By the pattern; a wrong version ends with 2."""
    block = "goroutine {} [chan send]:\nmain.audit()\n\t/src/a.go:4 +0x1\n"
    for version, count in (("v1.0.0", 1), ("v1.1.0", 60)):
        (tmp_path / f"h1-{version}.txt").write_text("\n".join(block.format(n) for n in range(1, count + 1)))
    words = ["fleet", "--pattern", "{host}-{version}.txt", "--threshold", "50", tmp_path]
    done = run(*words, "--compare-version", "v1.1.0", "--fail-on", "warning")
    assert (1, True) == (done.returncode, "v1.1.0 compared with v1.0.0" in done.stdout)
    assert 2 == run(*words, "--compare-version", "v3").returncode
