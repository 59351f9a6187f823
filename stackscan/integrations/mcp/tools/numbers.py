"""The tools ``compare``, ``query`` and ``pool_forecast``: what changed, tables, and what the pool model says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stackscan import api
from stackscan.errors import UsageError
from stackscan.integrations.mcp.claims import Claim, Evidence
from stackscan.integrations.mcp.paging import Found
from stackscan.integrations.mcp.quoting import quoted
from stackscan.integrations.mcp.tools.findings import evidence_of, workers_in
from stackscan.render.compare_words import later
from stackscan.render.words import count

if TYPE_CHECKING:
    from stackscan.comparison import Comparison
    from stackscan.integrations.mcp.captures import Captures, Loaded
    from stackscan.integrations.mcp.stopping import Stop
    from stackscan.knowledge.pool import Pool
    from stackscan.knowledge.rule import Rule
    from stackscan.queueing.projection import Projection

#: Sources of one call.
MOST_SOURCES: Final = 20
#: MiB that a query may take.
_QUERY_MIB: Final = 1024
#: Rows of a query's result; more is for `stackscan query`.
_MOST_ROWS: Final = 10_000
#: Findings that the first sentences of a comparison name.
_MOST_GROWN: Final = 3


def _load(captures: Captures, stop: Stop, sources: Sequence[str]) -> tuple[Loaded, ...]:
    if not 0 < len(sources) <= MOST_SOURCES:
        raise UsageError(f"{len(sources):,} sources", hint=f"Give 1 to {MOST_SOURCES} sources, in time order.")
    return tuple(captures.load(source, stop) for source in sources)


def compare(captures: Captures, stop: Stop, sources: Sequence[str]) -> Found:
    """What changed between captures in time order: leak, steady, sawtooth or unclear, and where."""
    loaded = _load(captures, stop, sources)
    series = api.Series()
    for one in loaded:
        series.take(one.path, [shown.capture for shown in one.shown])
    found = series.compared()
    stop.check()
    return Found(_verdict(found), list(_changes(found, loaded)), loaded)


def _verdict(found: Comparison) -> str:
    from stackscan.report.growth import sentence

    grown = [one for one in found.findings if one.change.verdict in ("new", "grown")]
    worse = "; ".join(f"{one.rule} {_counts(one.change.counts)}" for one in grown[:_MOST_GROWN])
    more = f" and {len(grown) - _MOST_GROWN:,} more" if len(grown) > _MOST_GROWN else ""
    return (
        f"{quoted(sentence(found.verdict, len(found.captures)))}. Goroutines: {_counts(found.total.counts)}. "
        f"{f'Findings that grew: {worse}{more}' if grown else 'No finding grew'}.{_times(found)}"
    )


def _times(found: Comparison) -> str:
    """When the first and the last capture were taken, where both say it."""
    first, last = found.captures[0].captured_at, found.captures[-1].captured_at
    if first is None or last is None:
        return ""
    passed = later((last - first).total_seconds())
    return f" Captured from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S}, {passed}."


def _changes(found: Comparison, loaded: Sequence[Loaded]) -> Iterator[Claim]:
    """What changed, findings first. The evidence is of the last snapshot."""
    last = loaded[-1].chosen(None)[-1].id
    for one in found.findings:
        text = f"finding {one.change.verdict}: {quoted(one.title)}: {_counts(one.change.counts)}"
        stayed = {} if one.stayed is None else {"same_goroutines_in_all": one.stayed}
        yield Claim("finding", text, _of(loaded[-1], partial(_is_named, one.rule)), stayed)
    for place in found.verdict.places:
        line = None if place.frame is None else f"{place.frame.file}:{place.frame.line}"
        evidence = Evidence(last, signature=place.signature, line=line)
        yield Claim("growth", f"{quoted(place.function or place.signature)}: {_counts(place.counts)}", evidence)
    for pool in found.pools:
        text = f"pool {quoted(pool.pool)}: busy {_counts(pool.busy)} of {_counts(pool.workers)} workers"
        yield Claim("pool", text, _workers(loaded[-1], partial(_has_name, pool.pool)))
    for note in found.notes:
        yield Claim("note", quoted(note))
    for bucket in found.buckets:
        if bucket.change.verdict == "steady":
            continue
        at = bucket.stack.deciding_frame
        text = f"stack {bucket.change.verdict}: {_counts(bucket.change.counts)}"
        text += "" if at is None else f" at {quoted(at.function, 120)}"
        held = bucket.stack.bucket
        where = None if at is None else f"{at.file}:{at.line}"
        evidence = Evidence(last if bucket.change.counts[-1] else None, signature=bucket.signature, line=where)
        if bucket.change.counts[-1]:
            evidence = Evidence(last, held.goroutine_ids, bucket.change.counts[-1], bucket.signature, line=where)
        yield Claim("stack", text, evidence)


def _is_named(name: str, rule: Rule) -> bool:
    return rule.name == name


def _of(one: Loaded, wanted: Callable[[Rule], bool]) -> Evidence:
    """Where the first finding of a wanted rule can be checked; the snapshot alone where there is none."""
    shown = one.chosen(None)
    pairs = ((each, finding) for each in shown for finding in each.capture.report.findings if wanted(finding.rule))
    each, finding = next(pairs, (shown[-1], None))
    return Evidence(each.id) if finding is None else evidence_of(finding, each)


def _has_name(name: str, pool: Pool) -> bool:
    return pool.name == name


def _is_modelled(name: str | None, pool: Pool) -> bool:
    return pool.model is not None and name in (None, pool.name)


def _workers(one: Loaded, wanted: Callable[[Pool], bool]) -> Evidence:
    """Where the workers of the first wanted pool can be seen; the snapshot alone where there is none."""
    shown = one.chosen(None)
    pairs = ((each, sample.pool) for each in shown for sample in each.capture.report.pools if wanted(sample.pool))
    each, pool = next(pairs, (shown[-1], None))
    return Evidence(each.id) if pool is None else workers_in(each, pool)


def _counts(numbers: Sequence[int | None]) -> str:
    return " → ".join("?" if number is None else f"{number:,}" for number in numbers)


def query(captures: Captures, stop: Stop, sql: str, sources: Sequence[str]) -> Found:
    """The rows of one SELECT over the tables of sources, which runs as `stackscan query` does."""
    from stackscan.export.sql.bounded import Bounds, Runner
    from stackscan.export.sql.query import joined, run
    from stackscan.export.sql.statement import understood
    from stackscan.export.tables.rows import MakeRows
    from stackscan.export.tables.schema import TABLES

    statement = understood(sql, TABLES)
    loaded = _load(captures, stop, sources)
    make = MakeRows()
    tables = joined(row for one in loaded for row in make(one.path, [shown.capture for shown in one.shown], one.bundle))
    stop.check()
    with Runner(Bounds(seconds=max(1.0, stop.left), mib=_QUERY_MIB)) as runner:
        result = run(sql, tables, runner=runner)
    if len(result) > _MOST_ROWS:
        raise UsageError(f"the result has {len(result):,} rows", hint=f"Add LIMIT: at most {_MOST_ROWS:,} are given.")
    rows = [_row(number, row) for number, row in enumerate(result.to_dicts(), 1)]
    named = ", ".join(statement.tables) or "no table"
    return Found(f"{count(len(rows), 'rows')} of {count(len(result.columns), 'columns')} from {named}.", rows, loaded)


def _row(number: int, row: dict[str, Any]) -> Claim:
    """A row, with the ids that it holds as its evidence."""
    from stackscan.export.sql.query import as_value

    goroutine, signature = row.get("goroutine_id"), row.get("signature")
    ids = (goroutine,) if isinstance(goroutine, int) and not isinstance(goroutine, bool) else ()
    evidence = Evidence(None, ids, len(ids), signature if isinstance(signature, str) else None)
    values = {name: as_value(value) for name, value in row.items()}
    spelt = ", ".join(f"{quoted(name, 40)} = {_cell(value)}" for name, value in values.items())
    return Claim("row", f"row {number:,}: {spelt}", evidence, {"row": values})


def _cell(value: object) -> str:
    return (
        quoted(value, 120)
        if isinstance(value, str)
        else "null"
        if value is None
        else quoted(str(value), 120).strip('"')
    )


def pool_forecast(captures: Captures, stop: Stop, sources: Sequence[str], pool: str | None) -> Found:
    """What the pool model says of a pool in captures: the load, the fix, more workers, a shorter deadline."""
    from stackscan.load.request import ProjectionRequest, project_request
    from stackscan.render.pool_words import block

    loaded = _load(captures, stop, sources)
    if any("://" in one.path for one in loaded):
        raise UsageError("pool_forecast reads files only", hint="Save the capture below an allowed folder first.")
    nothing = dict.fromkeys(
        ("measured", "workers", "rate_per_second", "silent_fraction", "deadline_seconds", "service_seconds"), None
    )
    paths = tuple(one.path for one in loaded)
    request = ProjectionRequest(
        captures=paths,
        pool=pool,
        probe_seconds=None,
        peers=None,
        jump_from=None,
        jump_seconds=60.0,
        configured=lambda: captures.configuration,
        **nothing,
    )
    found, fix = project_request(request, stop.check)
    shown = block(found, fix=fix)
    return Found(f"{shown.level}: {shown.headline}.", list(_forecast(found, fix, loaded, pool)), loaded)


def _forecast(found: Projection, fix: str, loaded: Sequence[Loaded], pool: str | None) -> Iterator[Claim]:
    from stackscan.queueing.values import projection_values
    from stackscan.render.pool_words import block

    values = projection_values(found)
    shown = block(found, fix=fix)
    evidence = Evidence(loaded[-1].chosen(None)[0].id)
    blocked = _of(loaded[-1], lambda rule: rule.pool is not None and pool in (None, rule.pool))
    blocked = blocked if blocked.rule else _workers(loaded[-1], partial(_is_modelled, pool))
    yield Claim("basis", f"method: {found.method}; from {count(len(loaded), 'sources')}", blocked, _now(values))
    for label, text in shown.facts:
        more = values["detached"] if label == "fix" else {}
        yield Claim(label, text, evidence, more)
    header, *rows = shown.table or ((),)
    for case, row in zip(found.what_ifs, rows, strict=False):
        numbers = next(one for one in values["what_ifs"] if one["name"] == case.name)
        kept = {name: value for name, value in numbers.items() if name not in ("name", "intervals")}
        cells = ", ".join(f"{name} {cell}" for name, cell in zip(header[1:], row[1:], strict=True))
        yield Claim("what-if", f"{case.name}, {case.says}: {cells}", evidence, kept)
    for text in shown.unexplained:
        yield Claim("not-explained", text, evidence)


def _now(values: dict[str, Any]) -> dict[str, Any]:
    """The pool as it is, by name."""
    names = ("workers", "close_deadline_seconds", "stall_load_erlangs", "stall_load_interval", "in_force")
    now = values["synchronous"]
    return {name: values[name] for name in names} | {
        name: now[name] for name in ("saturated", "wait_probability", "probe_timeout_probability")
    }
