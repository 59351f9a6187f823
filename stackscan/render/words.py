"""How the outputs for people spell things. Names come from strangers: nothing in them may reach a terminal raw."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from stackscan.model.counting import is_counted
from stackscan.report import Fold, SnapshotReport, ViewsReport, singular

if TYPE_CHECKING:
    from stackscan.analysis.defects import Judgement
    from stackscan.analysis.finding import Finding, Step
    from stackscan.analysis.proposals import Proposal
    from stackscan.model.snapshot import Frame

_HIDDEN: Final = (
    "\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
#: What acts on a terminal or hides from the eye: controls (C0, DEL, C1), line separators, marks that reorder text or
#: have no width (bidirectional and zero-width characters, tags).
UNPRINTABLE: Final = re.compile(f"[\x00-\x1f{_HIDDEN}]")
#: The same without line ends, which stand between the values of JSON.
_IN_JSON: Final = re.compile(f"[\x00-\x09\x0b-\x1f{_HIDDEN}]")
#: Characters of a name that outputs for people show.
LONGEST_WORD: Final = 400
_LONG_WORD: Final = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
#: The folders of a module's path: ``github.com/ipfs/`` of ``github.com/ipfs/boxo v0.38.0``.
_MODULE_PATH: Final = re.compile(r"[\w.-]+\.[a-z]+/(?:[\w.-]+/)*(?=[\w.-]+ )")
#: Where a sentence ends and the next begins; ``e.g. x`` and ``v0.39.0`` hold none.
_SENTENCE_END: Final = re.compile(r"[.?!](?=\s+[A-Z`(])")
_PLURAL_VERBS: Final = {"waits": "wait", "holds": "hold", "runs": "run", "does": "do", "is": "are"}
_HOST: Final = re.compile(r"^(?:[a-z0-9-]+\.)+[a-z]+/(?:[^/]+/)?(?=[^/]+/|[^/.]+\.)")


def plain(text: str) -> str:
    """The text with everything unprintable shown as an escape."""
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def plain_json(text: str) -> str:
    """JSON text with the same characters escaped as JSON escapes them; its own line ends stay."""
    if text.isascii():  # JSON has escaped all others below
        return text.replace("\x7f", "\\u007f")
    return _IN_JSON.sub(lambda match: json.dumps(match[0])[1:-1], text)


def short_symbol(function: str) -> str:
    """``github.com/ipfs/boxo/bitswap/server.(*Server).taskWorker`` → ``boxo/bitswap/server.(*Server).taskWorker``."""
    return plain(_HOST.sub("", function, count=1))


_VERSION: Final = re.compile(r"v\d+\.")


def base_symbol(function: str) -> str:
    """``example.com/acme/store.(*Cache).Get`` → ``store.(*Cache).Get``."""
    path, bracket, arguments = function.partition("[")
    folders, _, last = path.rpartition("/")
    if _VERSION.match(last):  # …/go-yamux/v5.newSession
        last = f"{folders.rpartition('/')[2]}/{last}"
    return plain(last + bracket + arguments)


def first_sentence(text: str) -> str:
    """``Upgrade to kubo 0.41.0.`` of a longer text."""
    joined = " ".join(text.split())
    end = _SENTENCE_END.search(joined)
    return joined if end is None else joined[: end.end()]


def short_location(frame: Frame) -> str:
    """``server.go:278``; nothing where the runtime did not know the file."""
    return _short_location(frame.file, frame.line) if frame.file else ""


@lru_cache(maxsize=4_096)  # a log of many dumps names few lines, each very often
def _short_location(file: str, line: int) -> str:
    return shortened(plain(f"{PurePosixPath(file).name}:{line}"))


def folded(fold: Fold) -> str:
    """``… 3 standard-library frames``."""
    return f"… {count(fold.count, 'standard-library frames' if fold.std else 'frames')}"


def fit(text: str, width: int) -> str:
    """The text in at most ``width`` columns: the middle goes, for names differ at their end and begin alike."""
    if len(text) <= width:
        return text
    tail = max(width * 2 // 3, 1)
    return text[: max(width - tail - 1, 0)] + "…" + text[-tail:]


def shortened(text: str) -> str:
    """The text with the middle of every word left out that is longer than a reader follows; data keeps it whole."""
    return _LONG_WORD.sub(lambda found: fit(found[0], LONGEST_WORD), text) if len(text) > LONGEST_WORD else text


def count(number: int, nouns: str) -> str:
    """``1 goroutine``, ``14,890 goroutines``: the noun is given in the plural."""
    return f"{number:,} {singular(nouns) if number == 1 else nouns}"


def wait(least: int, most: int) -> str:
    """``3 min``, ``0 to 12 min``; nothing for waits of less than a minute."""
    if not most:
        return ""
    return f"{most:,} min" if least == most else f"{least:,} to {most:,} min"


def where(snapshot: SnapshotReport) -> str:
    """The source as headings name it."""
    name = "standard input" if snapshot.source == "-" else snapshot.source
    if snapshot.member:
        name = f"{name}, {snapshot.member}"
    if snapshot.stream:
        name = f"{name}, {snapshot.stream}"
    if snapshot.snapshots_in_member > 1:
        name = f"{name}, snapshot {snapshot.position} of {snapshot.snapshots_in_member}"
    return plain(name)


def summary(snapshot: SnapshotReport) -> str:
    """One line: how much was read, from what."""
    parts = [] if snapshot.complete else ["INCOMPLETE"]
    if snapshot.selection is not None:
        parts.append(f"{snapshot.goroutines:,} of {count(snapshot.selection.goroutines, 'goroutines')} match")
    else:
        parts.append(count(snapshot.goroutines, "goroutines"))
    parts += [
        count(snapshot.distinct_stacks, "stacks"),
    ]
    if snapshot.longest_wait_minutes:
        parts.append(f"longest wait {snapshot.longest_wait_minutes:,} min")
    if snapshot.dialect:
        parts.append(snapshot.dialect)
    if snapshot.header_lines != snapshot.goroutines and snapshot.selection is None:
        parts.append(f"{snapshot.header_lines:,} header lines")
    if snapshot.complete:
        parts.append("complete")
    if snapshot.leak_profile:
        parts.append("leak profile")
    if is_counted(snapshot.format):
        parts.append("counts, no states")
    if snapshot.wrapper:
        parts.append(plain(f"from {', '.join(snapshot.wrapper)}"))
    return " · ".join(parts)


def phase(judgement: Judgement) -> tuple[str, ...]:
    """What the program's version does, and what speaks against it.

    ``boxo v0.38.0 closes streams inside the worker: each silent peer blocks one for up to 10 s; fixed in kubo 0.41.0``.
    """
    defect, found = judgement.defect, judgement.phase
    text = f"{_MODULE_PATH.sub('', judgement.basis)} {found.says}"
    if not judgement.contradicted_by and not found.fixed:
        text += f"; fixed in {defect.fixed_in}"
    lines = [text]
    if judgement.contradicted_by:
        rules = " and ".join(judgement.contradicted_by)
        lines.append(
            f"but {rules} cannot occur in it: this build is not what its versions say (was a module replaced?)"
        )
    if judgement.claimed:
        age = "older" if defect.phases.index(judgement.claimed) < defect.phases.index(found) else "newer"
        text = f"version.json says {judgement.claim}, but the modules in the dump are {age}: this is a custom build"
        lines.append(text)
    return tuple(map(plain, lines))


def program(version: Mapping[str, str]) -> str:
    """``kubo 0.40.1 · go1.26.8 · amd64/linux``."""
    commit = version.get("Commit")
    parts = (
        f"kubo {version['Version']}",
        f"commit {commit}" if commit else "",
        version["Golang"],
        version.get("System", ""),
    )
    return " · ".join(part for part in parts if part)


def seconds(value: float | None) -> str:
    """``12.3 s``; ``?`` where the profile's clock is not known."""
    return "?" if value is None else f"{value:,.1f} s" if value >= 0.1 else f"{value * 1e3:,.1f} ms"


def agreement(views: ViewsReport) -> str:
    """How two views of one process agree."""
    found = views.agreement
    text = (
        f"{views.second} and {views.first} show one process moments apart: {found.goroutines[1]:,} and "
        f"{found.goroutines[0]:,} goroutines, {found.share:.1%} of them in the same stacks"
    )
    if found.widest is not None:
        more, by = ("more", found.widest[1]) if found.widest[1] > 0 else ("fewer", -found.widest[1])
        text += f"; largest difference: {by:,} {more} in {short_symbol(found.widest[0])}"
    return plain(text)


def selection(snapshot: SnapshotReport, shown: int) -> str:
    """``11 of 74, those with findings first, then the largest``."""
    total = snapshot.distinct_buckets
    if shown == total:
        return "all of them" if total > 1 else "the only one"
    caught = any(found.rules and not found.aside for found in snapshot.shown)
    which = "those with findings, then the largest" if caught else "the largest"
    return f"{shown} of {total:,}: {which}"


def _counted(value: int, name: str) -> str:
    """``12 workers``; a name that is no noun stays as it is: ``1 waiting``."""
    return count(value, name) if name.endswith("s") else f"{value:,} {name}"


def evidence(finding: Finding) -> str:
    """``12 workers · 11 reading · 1 waiting · 12 companions · transports: yamux 12``."""
    parts = []
    for name, value in finding.evidence.items():
        if (
            name in ("because", "change")
            or (name == finding.rule.noun and finding.steps)
            or (name == "waiting" and finding.steps and not value)
        ):
            continue  # it has a line of its own; the heading counts them
        if isinstance(value, str):
            parts.append(value if name == "message" else f"{name}: {value}")
        elif isinstance(value, dict):
            parts.append(f"{name}: " + ", ".join(f"{key} {number:,}" for key, number in value.items()))
        elif name == "longest_wait_minutes":
            if value is not None:
                parts.append(f"longest wait {value:,} min")
        else:
            parts.append(f"{name} unknown" if value is None else _counted(value, name))
    return plain(" · ".join(parts))


def fix(finding: Finding) -> str:
    """What to do: in this code, where its source was read, and in general."""
    change = finding.evidence.get("change")
    return " ".join(f"{change or ''} {finding.rule.fix}".split())


def who(found: Step) -> str:
    """``goroutine 19``, ``12 goroutines``."""
    if found.count != 1:
        return count(found.count, "goroutines")
    return f"goroutine {found.ids[0]}" if found.ids else "a goroutine"


def step(found: Step) -> str:
    """``goroutine 19 likely holds A, waits for B``; several of them ``hold A, wait for B``."""
    does = found.does
    if found.count != 1:
        does = re.sub(r"\b(waits|holds|runs|does|is)\b", lambda match: _PLURAL_VERBS[match[0]], does)
    return plain(f"{who(found)} {does}")


def applies(finding: Finding, snapshot: SnapshotReport) -> str:
    """``github.com/ipfs/boxo v0.38.0 has this defect; fixed in kubo 0.41.0``; nothing where no version is known, or
    where the defect's phase is shown already."""
    shown = any(judgement.defect.pool == finding.rule.pool for judgement in snapshot.phases)
    if finding.applies is None or shown:
        return ""
    verdict, basis = finding.applies
    if verdict == "not affected":
        return plain(f"{basis} is not known to have this defect")
    return plain(f"{basis} has this defect" + (f"; fixed in {finding.rule.fixed}" if finding.rule.fixed else ""))


def idle(snapshot: SnapshotReport) -> str:
    """``1,204 goroutines are idle (expected)``."""
    total = sum(finding.count for finding in snapshot.set_aside)
    return f"{count(total, 'goroutines')} {'is' if total == 1 else 'are'} idle (expected)"


def idle_by_rule(snapshot: SnapshotReport) -> str:
    """``1,204 goroutines are idle (expected): 800 http-keep-alive · 404 yamux-loops``."""
    listed = " · ".join(f"{finding.count:,} {finding.rule.name}" for finding in snapshot.set_aside)
    return plain(f"{idle(snapshot)}: {listed}")


def proposal(found: Proposal) -> str:
    """Why some goroutines may be a pool that no description covers."""
    return plain(
        f"{found.workers:,} goroutines share the root function {short_symbol(found.root)} and their creator, and "
        f"{found.idle:,} of them wait for work. To count them as a pool, add to stackscan.toml:"
    )


def ids(goroutine_ids: tuple[int, ...], total: int, *, most: int | None = None) -> str:
    """``7, 9, 12–15 and 5 more``; at most so many pieces (None: all)."""
    runs: list[list[int]] = []
    for number in goroutine_ids:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    pieces = [piece for run in runs for piece in ([run] if len(run) > 2 else [[number] for number in run])][:most]
    shown = ", ".join(f"{piece[0]}–{piece[-1]}" if len(piece) > 1 else str(piece[0]) for piece in pieces)
    more = total - sum(map(len, pieces))
    return f"{shown} and {more:,} more" if more > 0 else shown
