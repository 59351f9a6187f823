"""What commands, the pytest plugin and Python programs share: ``check``, ``compare`` and ``fleet``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from stackscan import pipeline, sources
from stackscan.checks import LEAK, Baseline, CheckResult, find_policy, judge, read_baseline
from stackscan.checks.evidence import Collect, Evidence, Unpacking
from stackscan.checks.gathering import Gathering
from stackscan.errors import SourceError, StackscanError
from stackscan.formats.contents import Progress
from stackscan.golang.reader import Reader
from stackscan.knowledge.configuration import Configuration, shipped
from stackscan.knowledge.rule import Severity
from stackscan.pipeline import Options
from stackscan.report import CaptureReport
from stackscan.sources.times import captured_at

if TYPE_CHECKING:
    from stackscan.comparison import Comparison, Dated
    from stackscan.fleet.model import Fleet
    from stackscan.fleet.row import Row, Unread
    from stackscan.fleet.store.keeping import Keeping, StoreOptions
    from stackscan.redaction import Redaction


def check(  # noqa: PLR0913  # each is an option of the command
    inputs: Iterable[str],
    *,
    configuration: Configuration | None = None,
    policy: Path | None = None,
    baseline: Path | None = None,
    accept: bool = False,
    fail_on: Severity | None = None,
    today: date | None = None,
    progress: Progress | None = None,
    reader: Reader | None = None,
    whole: bool = True,
    jobs: int | None = 1,
) -> tuple[CheckResult, Baseline]:
    """Check inputs against a policy and a baseline; with ``accept``, against the baseline that they themselves make.

    ``configuration``: the rules and pools to analyse with, and the policy where no other is named (None: what ships);
    ``reader`` reads the program's source; ``whole`` keeps all of the reports, which the long form shows, else only what
    is judged; ``jobs`` processes read (None: as many as there are processors, once it lasts).
    Returns the outcome and that baseline. Raises StackscanError for a wrong policy or baseline, and when no input at
    all can be read; where one of several cannot, the outcome says so and its exit code is 2.
    """
    configuration = configuration or shipped()
    settings = find_policy(policy, configuration)
    known = None if baseline is None or accept else read_baseline(baseline)
    given = list(inputs)
    names = [str(sources.Source(each)) for each in given]
    projected = whole or any(limit.max_wait_probability is not None for limit in settings.pools)
    options = Options(configuration, reader=reader, projected=projected)
    gathering = Gathering()
    evidence = _evidence(given, options, progress, whole=whole, jobs=jobs)
    scanned = gathering.reports(zip(names, evidence, strict=True))
    if accept:  # no capture is judged before all are known
        scanned = iter(list(scanned))
        known = replace(gathering.baseline(), where="the baseline of these captures")
    looked_for = (*configuration.rule_names, LEAK)
    judged = judge(
        scanned,
        settings,
        rules=looked_for,
        baseline=known,
        fail_on=fail_on,
        today=today,
        leaks=gathering.leaks,
        whole=whole,
    )
    if len(gathering.unread) == len(names):
        raise _all(gathering.unread)
    return judged, gathering.baseline()


def compare(
    inputs: Iterable[str],
    *,
    configuration: Configuration | None = None,
    every: timedelta | None = None,
    progress: Progress | None = None,
    reader: Reader | None = None,
    individually: bool = False,
) -> Comparison:
    """Compare captures given in time order. ``every`` is the time between neighbours (None: as their names say);
    ``reader`` reads the program's source; ``individually``: the comparison has every goroutine.

    Raises StackscanError when an input cannot be read, or all of them hold fewer than two captures.
    """
    options = Options(configuration or shipped(), reader=reader, projected=False)
    series = Series()
    for each in inputs:
        captures, _ = pipeline.examine(each, options=options, progress=progress)
        series.take(each, captures)
    return series.compared(every, individually=individually)


class Series:
    """Captures to compare, as they come: the captures of each input in time order."""

    def __init__(self) -> None:
        self._dated: list[Dated] = []
        self._profiles: list[Dated] = []

    def take(self, source: str, captures: Sequence[CaptureReport], at: datetime | None = None) -> None:
        """Add the captures of one input, taken ``at`` (None: as its name or notes say)."""
        from stackscan.comparison import worth_comparing

        self._dated += [_dated(source, one, at) for one in worth_comparing(captures)]
        self._profiles += [_dated(source, one, at) for one in captures if one.report.leak_profile]

    def compared(self, every: timedelta | None = None, *, individually: bool = False) -> Comparison:
        """Compare them; ``every`` is the time between neighbours (None: by their own times), ``individually``: with
        every goroutine. Raises SourceError for fewer than two."""
        from stackscan.comparison import compare as compare_dated

        dumps = [one for one in self._dated if not one.report.leak_profile]
        dated, profiles = (dumps, self._profiles) if dumps else (self._dated, [])
        if len(dated) < 2:
            where = f"{dated[0].report.source} contains one capture" if dated else "there is no capture"
            where += " beside Go's leak profiles, which are not compared with full dumps" if profiles and dated else ""
            raise SourceError(f"{where}; a comparison needs two", hint="Give two or more sources, in time order.")
        return compare_dated(dated, every=every, leak_profiles=profiles, individually=individually)


def _dated(source: str, one: CaptureReport, at: datetime | None) -> Dated:
    """A capture with its time: the one that is known, else by its name or notes, else its own."""
    from stackscan.comparison import Dated

    taken = one.capture.taken
    when = at or captured_at(source, one.report.member) or taken.captured_at
    return Dated(one.report, one.capture.snapshot, when, taken.host)


def fleet(  # noqa: PLR0913  # each is an option of the command
    inputs: Iterable[str],
    *,
    configuration: Configuration | None = None,
    pattern: str | None = None,
    threshold: int = 10_000,
    since: datetime | None = None,
    compared: str | None = None,
    owners: Path | None = None,
    owner: str | None = None,
    progress: Progress | None = None,
    count: Callable[[int, int, int], object] | None = None,
    redaction: Redaction | None = None,
    jobs: int | None = 1,
    dask: str | None = None,
    store: StoreOptions | None = None,
    tell: Callable[[str], object] | None = None,
) -> Fleet:
    """The answer over all captures of all inputs. ``pattern`` says what their paths name, ``threshold`` how many
    goroutines at one line are too many, ``since`` from when on findings are new, ``compared`` the version (or ``A..B``)
    whose differences from the one before are wanted; ``owners`` is a file that says who owns which packages, ``owner``
    the one whose findings are wanted (None: all); ``jobs`` as for :func:`check`; with ``dask`` the workers of the
    cluster at that address read. With a ``store``, what is new to it is added, and the answer is over all that it
    holds; ``tell`` is told how much was new. ``count`` is called with the parts read, all parts, and captures in them.

    Raises StackscanError for a wrong pattern or file of owners, a store that cannot be used, and when no capture at all
    can be read.
    """
    from stackscan.fleet.answer import answer
    from stackscan.fleet.gather import Gathering
    from stackscan.fleet.observe import Observe
    from stackscan.fleet.owners import attribution_of
    from stackscan.fleet.packed import Packed
    from stackscan.fleet.pattern import read_pattern
    from stackscan.fleet.survey import each_part
    from stackscan.sources.parts import split

    if compared is not None and redaction is not None:
        compared = "..".join(map(redaction.version, compared.split("..")))
    attribution = attribution_of(owners, owner, is_redacted=redaction is not None)
    parts = Packed(part for each in inputs for part in split(each))
    paths = None if pattern is None else read_pattern(pattern)
    kept = None if store is None else _keeping(store, pattern, threshold, redaction, create=bool(parts))
    lines_from = threshold if kept is None else kept.lines_from
    observe = Observe(paths, lines_from, redaction, stacks=kept is not None)
    options = Options(configuration or shipped(), projected=False)
    new = parts if kept is None else kept.new(parts)
    gathering = Gathering()
    with each_part(new, observe, options=options, progress=progress, jobs=jobs, dask=dask) as each:
        found = each if count is None else _counted(each, len(new), count)
        if kept is not None:
            kept.add(zip(new, found, strict=True))
        for row in chain.from_iterable(found) if kept is None else kept.rows():
            gathering.take(row)
    if tell is not None and kept is not None and parts:
        tell(f"objects: {len(new):,} read, {len(parts) - len(new):,} known to the store and not read again")
    if not gathering.captures:
        raise _none_read(gathering.unread) if kept is None or new else kept.empty()
    whole = answer(gathering, threshold=threshold, since=since, compared=compared)
    return whole if attribution is None else attribution.applied(whole)


def _counted(
    found: Iterator[list[Row | Unread]], total: int, count: Callable[[int, int, int], object]
) -> Iterator[list[Row | Unread]]:
    """The rows of each part; after each, ``count`` is called."""
    captures = 0
    for done, rows in enumerate(found, start=1):
        captures += len(rows)
        count(done, total, captures)
        yield rows


def _keeping(
    store: StoreOptions, pattern: str | None, threshold: int, redaction: Redaction | None, *, create: bool
) -> Keeping:
    from stackscan.fleet.store.keeping import keeping
    from stackscan.fleet.store.objects import Naming

    identity = "" if redaction is None else redaction.identity
    return keeping(store, Naming(pattern, redaction), redaction=identity, threshold=threshold, create=create)


def _none_read(unread: Sequence[Unread]) -> SourceError:
    """The error for a fleet of which nothing could be read."""
    first = next((one for one in unread if not one.other), unread[0] if unread else None)
    if first is None:
        return SourceError("there is no file below the sources", hint="Give files, folders or archives of captures.")
    others = f" (and {len(unread) - 1:,} more)" if len(unread) > 1 else ""
    return SourceError(f"no capture could be read: {first.where}: {first.reason}{others}")


def _evidence(
    inputs: Sequence[str],
    options: Options,
    progress: Progress | None,
    *,
    whole: bool,
    jobs: int | None,
) -> Iterator[Evidence | StackscanError]:
    """What judging needs of each input, or the error that kept it from being read."""
    collect = Collect(whole, growing=len(inputs) > 1)
    unpacking = Unpacking(options.configuration)
    with pipeline.each(inputs, collect, options=options, progress=progress, jobs=jobs) as found:
        for one in found:
            yield unpacking.evidence(one) if isinstance(one, bytes) else one


def _all(errors: list[StackscanError]) -> StackscanError:
    """One error for all."""
    first = errors[0]
    if len(errors) > 1:
        first = type(first)("; ".join(map(str, errors)), hint=first.hint)
    return first
