"""Who holds which lock: what the source reading says of real programs beside the truth.

    python -m benchmarks.holders hangs deadlock convoy goker … [--runs 3] [--work FOLDER] [--markdown FILE]
    python -m benchmarks.holders saved FOLDER [--root DIR]     # compares dumps with tables that were kept

Run from the repository's folder. Needs Go 1.26, whose package sync is built with mutexes that are watched: an overlay
for ``go build``, made from the toolchain's own sources, notes who takes each Mutex and RWMutex, where, and who gives it
back (overlay/holders.go.txt). A program's goroutine dump then ends with the table of the locks that are held, of the
same stopped world. It is split off, and the dump is read with the program's source:

* each lock that a goroutine must (may) hold is right when it holds one that was taken in that very line;
* each lock that is held, and was taken in code whose source is at hand, is known or missed;
* each "holds" in a finding is right when the goroutine holds a lock that was taken in that line, each missing-unlock
  when no goroutine in a function that took the lock still holds it ("said"; "possible": findings no more than that).

A goroutine caught in the very call that takes or gives back a lock counts as moving, neither right nor wrong. Locks
that the standard library takes for itself (a Once, net/http) are not counted. Dumps (NAME.txt) and tables (NAME.json)
are kept in the folder of work.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.holders.compare import Outcome, compare
from benchmarks.holders.instrument import write_overlay
from benchmarks.holders.suites import Case, suites
from benchmarks.holders.truth import Lock, Moment, Site, moments

_FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "programs"
_COLUMNS = (
    ("dumps", ()),
    ("held", ("held known", "held maybe", "held missed")),
    ("known", ("held known",)),
    ("known as may", ("held maybe",)),
    ("missed", ("held missed",)),
    ("must right", ("must right",)),
    ("must wrong", ("must wrong",)),
    ("may right", ("may right",)),
    ("may wrong", ("may wrong",)),
    ("moving", ("must moving", "may moving", "held moving")),
    ("said right", ("said right",)),
    ("said wrong", ("said wrong",)),
    ("possible right", ("said perhaps right",)),
    ("possible wrong", ("said perhaps wrong",)),
    ("std", ("of std",)),
    ("ended", ("ended",)),
)


def main() -> int:
    """Run what is asked for; 1 if a claim that a lock must be held, or a statement in a finding, was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", nargs="+", help=f"of {', '.join(suites())}; or: saved FOLDER")
    parser.add_argument("--runs", type=int, default=1, help="runs of each program [1]")
    parser.add_argument("--programs", type=Path, default=_FIXTURES, help="folder of the programs [fixtures/programs]")
    parser.add_argument("--root", type=Path, action="append", default=[], help="folder with source, of saved dumps")
    parser.add_argument("--work", type=Path, help="folder that keeps programs and dumps [a new one, removed]")
    parser.add_argument("--markdown", type=Path, help="file that the tables are added to")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as new:
        work = (chosen.work or Path(new)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        if chosen.what[0] == "saved":
            found = {"saved": dict(_saved(Path(chosen.what[1]), chosen.root))}
        else:
            overlay = write_overlay(work)
            found = {
                name: _run(suites()[name](chosen.programs.resolve(), work, overlay), work, chosen.runs)
                for name in chosen.what
            }
    text = "\n".join(line for name, outcomes in found.items() for line in _page(name, outcomes))
    print(text)
    if chosen.markdown is not None:
        with chosen.markdown.open("a", encoding="utf-8") as out:
            out.write(text + "\n")
    every = [outcome for outcomes in found.values() for outcome in outcomes.values()]
    return int(any(outcome.wrong or outcome.counts["said wrong"] for outcome in every))


def _run(cases: Iterator[Case], work: Path, runs: int) -> dict[str, Outcome]:
    """Run each case and compare its dumps."""
    found: dict[str, Outcome] = {}
    folder = work / "dumps"
    folder.mkdir(exist_ok=True)
    for case in cases:
        found[case.name] = Outcome()
        for run in range(runs):
            for number, moment in enumerate(moments(case.run())):
                name = re.sub(r"[^\w-]+", "_", f"{case.name}-{run}-{number}")
                found[case.name].add(compare(moment, moment.save(folder, name), case.roots))
        print(case.name, dict(found[case.name].counts), file=sys.stderr, flush=True)
    return found


def _saved(folder: Path, roots: list[Path]) -> Iterator[tuple[str, Outcome]]:
    """The outcome of each dump in a folder that has its table beside it."""
    for path in sorted(folder.glob("*.json")):
        table = json.loads(path.read_text("utf-8"))
        locks = (
            Lock(**{**lock, "frames": tuple(Site(**frame) for frame in lock["frames"])}) for lock in table["locks"]
        )
        dump = path.with_suffix(".txt")
        yield path.stem, compare(Moment(dump.read_text("utf-8"), tuple(locks), table["lost"]), dump, roots)


def _page(name: str, outcomes: dict[str, Outcome]) -> Iterator[str]:
    """The table of a suite, a line a program, and what was wrong or missed."""
    total = Outcome()
    yield f"\n## {name}\n"
    yield "| program | " + " | ".join(title for title, _ in _COLUMNS) + " |"
    yield "|---|" + "---|" * len(_COLUMNS)
    for program, outcome in outcomes.items():
        total.add(outcome)
        yield _row(program, outcome)
    if len(outcomes) > 1:
        yield _row("**all**", total)
    for title, lines in (
        ("Wrong claims that a lock must be held", total.wrong),
        ("Wrong statements in findings", total.said),
        ("Wrong claims that a lock may be held", total.maybe),
    ):
        yield from _list(title, {p: getattr(o, _of(title)) for p, o in outcomes.items()} if lines else {})
    if total.classes:
        yield "\nMissed, by class: " + "; ".join(f"{why} {count}" for why, count in total.classes.most_common()) + "\n"
    yield from _list("Missed", {program: outcome.missed for program, outcome in outcomes.items()})
    if total.causes:
        yield "\nCauses found: " + "; ".join(f"{cause} {count}" for cause, count in total.causes.most_common())


def _of(title: str) -> str:
    """The field of an Outcome by the title of its list."""
    return "said" if "statements" in title else "wrong" if "must" in title else "maybe"


def _row(program: str, outcome: Outcome) -> str:
    numbers = (
        outcome.dumps if title == "dumps" else sum(outcome.counts[name] for name in names) for title, names in _COLUMNS
    )
    return f"| {program} | " + " | ".join(map(str, numbers)) + " |"


def _list(title: str, lines: dict[str, list[str]]) -> Iterator[str]:
    """Lines by program; the same one said of several goroutines is told once, with how often."""
    if not any(lines.values()):
        return
    yield f"\n{title}:\n"
    for program, every in lines.items():
        seen: dict[str, list[str]] = {}
        for line in every:
            seen.setdefault(re.sub(r"goroutine \d+", "goroutine N", line), []).append(line)
        for group in seen.values():
            yield f"* {program}: {group[0]}" + (f" (× {len(group)})" if len(group) > 1 else "")


if __name__ == "__main__":
    sys.exit(main())
