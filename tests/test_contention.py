"""Mutex and block profiles in text, as kubo's bundles hold them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import FIXTURES
from stackscan.formats import contention
from stackscan.formats.contention import ContentionRecord
from stackscan.model.snapshot import Frame

TEXT = """\
--- mutex:
cycles/second=2000000000
sampling period=4
3000000000 11 @ 0x469fa8 0xaeeb27 0x4963c1
#\t0x469fa7\truntime.selectgo+0x707\t\t\t/go/src/runtime/select.go:535
#\t0xaeeb26\tmain.(*Engine[...]).next+0x186\t/src/engine.go:528

500 1 @ 0x469fa8 0x4963c1
#\t0x469fa7\tsync.(*Mutex).Unlock+0x7\t/go/src/sync/mutex.go:65

"""


def reasons(text: str) -> list[tuple[int, str]]:
    """The lines and reasons of a text's problems."""
    return [(problem.line, problem.reason) for problem in contention.read(text.encode()).problems]


def test_a_mutex_profile_is_read() -> None:
    """Clock, period, and records with their frames, innermost first."""
    profile = contention.read(TEXT.encode())
    assert ("mutex", 2_000_000_000, 4, ()) == (
        profile.kind,
        profile.cycles_per_second,
        profile.sampling_period,
        profile.problems,
    )
    frames = (
        Frame("runtime.selectgo", "/go/src/runtime/select.go", 535, 0x707),
        Frame("main.(*Engine[...]).next", "/src/engine.go", 528, 0x186),
    )
    assert ContentionRecord(3_000_000_000, 11, frames) == profile.records[0]
    assert (500, 1) == (profile.records[1].cycles, profile.records[1].count)


def test_cycles_are_told_in_seconds() -> None:
    """By the clock that the profile names; not at all where it names none."""
    profile = contention.read(TEXT.encode())
    assert 1.5 == profile.delay_seconds(profile.records[0])
    unknown = contention.read(TEXT.replace("cycles/second=2000000000\n", "").encode())
    assert None is unknown.delay_seconds(unknown.records[0])
    assert (1, "cycles/second is unknown: waits have no unit") in reasons(TEXT.replace("second=2", "second=x"))


def test_a_block_profile_calls_itself_contention() -> None:
    """It has no sampling period."""
    profile = contention.read(b"--- contention:\ncycles/second=10\n20 2 @ 0x1\n\n")
    assert ("block", None, 2.0) == (profile.kind, profile.sampling_period, profile.delay_seconds(profile.records[0]))


@pytest.mark.parametrize(
    "text",
    [TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, TEXT.replace("\n\n", "\n"), TEXT.expandtabs(8)],
    ids=["CRLF", "byte order mark", "blank lines lost", "tabs lost"],
)
def test_what_carries_the_text_does_not_change_it(text: str) -> None:
    """Line ends, marks, blank lines, tabs."""
    assert contention.claims(text.encode())
    assert contention.read(TEXT.encode()) == contention.read(text.encode())


def test_damage_costs_what_it_touches() -> None:
    """A frame, a record, a line of a log: each is named with its line, the rest is read."""
    damaged = TEXT.replace("runtime.selectgo+0x707", "runtime.sel").replace("500 1 @ 0x469fa8", "500 1 @ 0x46zz")
    assert [
        (5, "frame line is damaged; frame skipped"),
        (8, "count line is damaged; its record is skipped"),
    ] == reasons(damaged)
    assert [["main.(*Engine[...]).next"]] == [
        [f.function for f in r.frames] for r in contention.read(damaged.encode()).records
    ]
    assert [(7, "not a line of a contention profile; skipped")] == reasons(TEXT.replace("\n\n500", "\nlog\n500"))


@pytest.mark.parametrize("place", range(12, len(TEXT)))
def test_a_profile_cut_anywhere_is_read(place: int) -> None:
    """Cut at any byte: what is whole is read, and a line that is not is a problem."""
    profile = contention.read(TEXT[:place].encode())
    assert len(profile.records) <= 2
    assert TEXT[:place].endswith("\n") or profile.problems


def test_other_texts_are_not_claimed() -> None:
    """Goroutine profiles, heap profiles, prose."""
    assert [False] * 4 == [
        contention.claims(text)
        for text in (b"", b"goroutine profile: total 1\n", b"heap profile: 1: 2", b"--- mutexes: all")
    ]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Nothing is raised, whatever follows the first line."""
    assert "mutex" == contention.read(b"--- mutex:\n" + text.replace("--- contention:", "").encode()).kind


BUNDLES = sorted(FIXTURES.glob("kubo/*/ipfs-profile-*.zip"))


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: f"{path.parent.name}-{path.stem[-2:]}")
def test_the_profiles_of_a_bundle_are_read_whole(path: Path) -> None:
    """Every record and every frame line, counted in the text; most cycles first."""
    with zipfile.ZipFile(path) as bundle:
        found = {kind: bundle.read(f"{kind}.pprof") for kind in ("mutex", "block")}
    for kind, data in found.items():
        profile = contention.read(data)
        assert (kind, ()) == (profile.kind, profile.problems)
        assert len(re.findall(rb"(?m)^\d+ \d+ @", data)) == len(profile.records)
        assert data.count(b"\n#\t") == sum(len(record.frames) for record in profile.records)
        assert sorted(profile.records, key=lambda record: -record.cycles) == list(profile.records)
        assert all((profile.delay_seconds(record) or 0) >= 0 for record in profile.records)


@pytest.mark.parametrize("place", range(4))
def test_numbers_that_no_go_program_prints_are_damage(place: int) -> None:
    """Of 5,000 digits, which Python refuses to read: what holds one is left out or not known, and the rest is read."""
    rate, period, cycles, count = ("9" * 5_000 if place == at else "1" for at in range(4))
    text = (
        f"--- mutex:\ncycles/second={rate}\nsampling period={period}\n"
        f"{cycles} {count} @ 0x1\n#\t0x1\tmain.f+0x1\t/x.go:5\n\n7 3 @ 0x1\n#\t0x1\tmain.f+0x1\t/x.go:5\n"
    )
    profile = contention.read(text.encode())
    assert [(7, 3)] == [(record.cycles, record.count) for record in profile.records][-1:]
    assert (0 if place == 0 else 1) == profile.cycles_per_second
    assert (None if place == 1 else 1) == profile.sampling_period
    assert (2 if place < 2 else 1) == len(profile.records)
