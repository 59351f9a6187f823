"""What the dashboard shows, read from a store of ``stackscan fleet --store``, or from what ``stackscan export`` wrote.

Both become the same: captures, problems, pools and groups of goroutines, each with hosts and times.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

#: What an unknown host or service is called.
UNKNOWN = "(unknown)"
SEVERITIES = ("error", "warning", "info", "ok")
#: Columns of a series, and those of pools, which have workers too.
SERIES = {"host": pl.String, "captured_at": pl.Datetime("us", "UTC"), "count": pl.Int64, "detail": pl.String}
POOLS = {**SERIES, "service": pl.String, "pool": pl.String, "workers": pl.Int64}
NAMES = ("service", "host", "label", "captured_at")
MOST_GROUPS = 12


class NotReadableError(Exception):
    """Why there is nothing to show, and what to do."""


@dataclass(frozen=True)
class Problem:
    """One finding, and how many goroutines it has on each host over time."""

    severity: str
    title: str
    facts: tuple[str, ...]
    series: pl.DataFrame


@dataclass(frozen=True)
class Group:
    """Goroutines that wait at one place, on all hosts over time."""

    name: str
    idle: bool
    series: pl.DataFrame


@dataclass(frozen=True)
class Captures:
    """All that the page shows.

    ``taken`` has a row for each capture: service, host, label, captured_at, goroutines; ``label`` is how charts name
    it. ``verdict`` is the level and the words of the answer; ``odd`` and ``unreadable`` are tables.
    """

    taken: pl.DataFrame
    verdict: tuple[str, str]
    problems: tuple[Problem, ...]
    pools: pl.DataFrame
    groups: tuple[Group, ...]
    odd: list[dict[str, Any]]
    unreadable: list[dict[str, Any]]


def is_store(place: str) -> bool:
    """Whether there is a store, and not a folder of an export."""
    return "://" in place or (Path(place) / "captures" / "_delta_log").is_dir()


def of_store(place: str, service: str | None, host: str | None) -> Captures:
    """The captures of a store, or those of one service or host (None: of all)."""
    answer = _answer(place)
    rows = pl.scan_delta(f"{place.rstrip('/')}/captures").filter(
        pl.col("status") == "capture", pl.col("captured_at").is_not_null()
    )
    rows = rows.with_columns(pl.col("host", "service").fill_null(UNKNOWN))
    rows = rows.sort("read_at").unique(["service", "host", "captured_at"], keep="last")  # one view of each moment
    rows = rows.with_columns(_label()).filter(_chosen(service, host)).sort("captured_at").collect()
    places = pl.read_delta(f"{place.rstrip('/')}/places").unique("place_id")
    taken = rows.select(*NAMES, "goroutines")
    spots = rows.select(*NAMES, pl.col("places").alias("spot")).explode("spot")
    spots = spots.drop_nulls("spot").unnest("spot").join(places, on="place_id")
    found = rows.select(*NAMES, "findings").explode("findings").drop_nulls("findings")
    pools = rows.select("service", pl.col("label").alias("host"), "captured_at", "pools")
    pools = pools.explode("pools").drop_nulls("pools").unnest("pools")
    pools = pools.select(
        *("host", "captured_at", pl.col("busy").alias("count")),
        pl.format("{} of {} busy", "busy", "workers").alias("detail"),
        *("service", "pool", "workers"),
    )
    kept = [one for one in answer["findings"] if one["severity"] != "info" and _concerns(one, service, host)]
    known = found.unnest("findings")
    verdict = answer["verdict"]
    return Captures(
        taken=taken,
        verdict=(verdict["level"], verdict["text"]),
        problems=tuple(_problem(one, taken, spots, known) for one in kept),
        pools=pools.cast(POOLS),  # type: ignore[arg-type]
        groups=_groups(spots.rename({"goroutines": "count"}), taken),
        odd=[
            {key: one[key] for key in ("service", "host", "version", "reason")}
            for one in answer["odd_hosts"]
            if _concerns(one, service, host)
        ],
        unreadable=[one for one in answer["unreadable"] if _concerns(one, service, host)],
    )


def services_and_hosts(place: str) -> pl.DataFrame:
    """The services and hosts that can be chosen."""
    if is_store(place):
        rows = pl.scan_delta(f"{place.rstrip('/')}/captures").filter(pl.col("status") == "capture")
        found = rows.select("service", "host").unique().collect()
    else:
        found = _table(place, "snapshots").select(pl.lit(None, pl.String).alias("service"), "host").unique()
    return found.with_columns(pl.all().fill_null(UNKNOWN)).sort("service", "host")


def _answer(place: str) -> dict[str, Any]:
    """The answer of ``stackscan fleet`` over all of a store."""
    command = [sys.executable, "-m", "stackscan", "fleet", "--store", place, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise NotReadableError(done.stderr.strip())
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _chosen(service: str | None, host: str | None) -> pl.Expr:
    wanted = [pl.col(name) == value for name, value in (("service", service), ("host", host)) if value is not None]
    return pl.all_horizontal(pl.lit(value=True), *wanted)


def _label() -> pl.Expr:
    """How charts name a host: with its service where two services have a host of that name."""
    several = pl.col("service").n_unique().over("host") > 1
    return pl.when(several).then(pl.format("{}/{}", "service", "host")).otherwise("host").alias("label")


def _concerns(one: dict[str, Any], service: str | None, host: str | None) -> bool:
    services, hosts = one.get("services") or [one.get("service")], one.get("hosts") or [one.get("host")]
    return (service is None or service in services) and (host is None or host in hosts)


def _problem(one: dict[str, Any], taken: pl.DataFrame, spots: pl.DataFrame, found: pl.DataFrame) -> Problem:
    """A finding of the answer with its goroutines: those that a rule caught, or all at the place that grows."""
    if one["kind"] == "rule":
        rows = found.filter(pl.col("rule").eq_missing(one["rule"]), pl.col("cause").eq_missing(one["cause"]))
    else:
        rows = spots.filter(pl.col("function").eq_missing(one["place"]))
    hosts = [name or UNKNOWN for name in one["hosts"]]
    rows = rows.filter(
        pl.col("host").is_in(hosts), pl.col("service").is_in([name or UNKNOWN for name in one["services"]])
    )
    counts = rows.group_by("label", "captured_at").agg(pl.col("goroutines").sum().alias("count"))
    place = short(one["place"] or one["rule"] or one["cause"])
    trend = one["trend"]
    services, versions, without = (
        ", ".join(filter(None, one[key][:4])) for key in ("services", "versions", "versions_without")
    )
    facts = [
        " · ".join(filter(None, (place, one["location"]))),
        f"{one['hosts_hit']:,} of {one['hosts_seen']:,} hosts, {one['total']:,} goroutines",
        f"{trend['rate_per_hour']:,.0f} more an hour on each of {trend['growing']:,}" if trend["rate_per_hour"] else "",
        " · ".join(filter(None, (services, versions + (f", not {without}" if without else "")))),
    ]
    title = "leak: grows and never falls" if one["kind"] == "leak" else one["title"]
    return Problem(one["severity"], title, tuple(filter(None, facts)), _with_zeros(counts, taken))


def short(function: str | None) -> str:
    """A function with the last two parts of its package's path."""
    return "/".join((function or "?").split("/")[-2:])


def _with_zeros(counts: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """A row for each capture of the hosts that have any: none found is zero."""
    times = taken.select("label", "captured_at").join(counts, on="label", how="semi").unique()
    joined = times.join(counts, on=["label", "captured_at"], how="left").rename({"label": "host"})
    joined = joined.with_columns(pl.col("count").fill_null(0), pl.lit("").alias("detail"))
    return joined.sort("host", "captured_at").cast(SERIES)  # type: ignore[arg-type]


def _groups(spots: pl.DataFrame, taken: pl.DataFrame) -> tuple[Group, ...]:
    """The places with most goroutines: those that are not idle first."""
    if spots.is_empty():
        return ()
    step = _step(taken)
    keys = ["function", "wait_reason", "idle"]
    of_hosts = (
        spots.group_by(*keys, "label", "captured_at").agg(pl.col("count").sum())
        .with_columns(pl.col("captured_at").dt.truncate(f"{step}s").clip(lower_bound=taken["captured_at"].min()))
        .group_by(*keys, "label", "captured_at").agg(pl.col("count").mean())
    )  # fmt: skip
    every = of_hosts.group_by(*keys, "captured_at").agg(pl.col("count").sum().round().cast(pl.Int64))
    largest = (
        every.group_by(keys)
        .agg(pl.col("count").max())
        .sort("idle", "count", *keys, descending=[False, True, *[False] * 3])
    )
    times = taken.select(
        pl.col("captured_at").dt.truncate(f"{step}s").clip(lower_bound=taken["captured_at"].min())
    ).unique()
    shown = []
    for function, wait_reason, idle, _ in largest.head(MOST_GROUPS).iter_rows():
        of_group = [
            pl.col(name).eq_missing(pl.lit(value))
            for name, value in zip(keys, (function, wait_reason, idle), strict=True)
        ]
        counts = times.join(every.filter(of_group), on="captured_at", how="left").sort("captured_at")
        series = counts.select(
            pl.lit("all").alias("host"), "captured_at", pl.col("count").fill_null(0), pl.lit("").alias("detail")
        )
        name = f"{short(function)}" + (f" [{wait_reason}]" if wait_reason else "")
        shown.append(Group(name, idle, series.cast(SERIES)))  # type: ignore[arg-type]
    return tuple(shown)


def _step(taken: pl.DataFrame) -> int:
    """Seconds in which each host is captured about once, and of which there are at most some fifty."""
    span = (taken["captured_at"].max() - taken["captured_at"].min()).total_seconds()  # type: ignore[operator, union-attr]
    gaps = taken.sort("captured_at").select(pl.col("captured_at").diff().over("label").dt.total_seconds().median())
    return max(1, int(span / 50), int(gaps.item() or 1))


def of_export(folder: str, host: str | None) -> Captures:
    """The captures of an export, or those of one host (None: of all)."""
    snapshots, pools, findings, buckets = (
        _table(folder, name)
        .filter(~pl.col("second_view"))
        .with_columns(pl.lit(UNKNOWN).alias("service"), pl.col("host").fill_null(UNKNOWN))
        .filter(_chosen(None, host))
        for name in ("snapshots", "pools", "findings", "buckets")
    )
    if snapshots.is_empty():
        raise NotReadableError(f"{folder} has no capture with a time: use --captured-at, or bundles.")
    taken = snapshots.select(
        *("service", "host", pl.col("host").alias("label"), "captured_at"), pl.col("goroutines").cast(pl.Int64)
    )
    last = snapshots.sort("captured_at").row(-1, named=True)
    is_busy = ~pl.col("idle") & (pl.col("count") > 0)
    busy = pools.group_by("service", "host", "captured_at", "pool").agg(
        pl.col("count").filter(is_busy).sum().cast(pl.Int64),
        pl.format("{} {}", "count", "state").filter(is_busy).str.join(", ").alias("detail"),
        pl.col("workers").first().cast(pl.Int64),
    )
    spots = buckets.select(
        *(pl.col("host").alias("label"), "captured_at", pl.col("deciding").alias("function"), "wait_reason"),
        pl.col("rules").fill_null("").str.contains("idle").alias("idle"),
        pl.col("count").cast(pl.Int64),
    )
    return Captures(
        taken=taken,
        verdict=(last["level"], last["verdict"]),
        problems=tuple(_of_findings(findings, taken)),
        pools=busy.select(*POOLS).cast(POOLS),  # type: ignore[arg-type]
        groups=_groups(spots, taken),
        odd=[],
        unreadable=[],
    )


def _of_findings(findings: pl.DataFrame, taken: pl.DataFrame) -> Iterator[Problem]:
    """A problem for each rule or cause, the worst first."""
    ranks = {name: place for place, name in enumerate(SEVERITIES)}
    order = pl.col("severity").replace_strict(ranks, return_dtype=pl.Int8)
    worst = findings.group_by("rule", "cause").agg(
        pl.col("severity").sort_by(order).first(), pl.col("title", "noun").last(), pl.col("count").max()
    )
    for one in worst.sort(order, "count", "rule", descending=[False, True, False]).iter_rows(named=True):
        rows = findings.filter(pl.col("rule").eq_missing(one["rule"]), pl.col("cause").eq_missing(one["cause"]))
        counts = rows.group_by(pl.col("host").alias("label"), "captured_at").agg(pl.col("count").sum().cast(pl.Int64))
        hosts = f"{rows['host'].n_unique():,} of {taken['host'].n_unique():,} hosts"
        facts = one["rule"] or one["cause"], f"{hosts}, at most {one['count']:,} {one['noun']}"
        yield Problem(one["severity"], one["title"], facts, _with_zeros(counts, taken))


def _table(folder: str, table: str) -> pl.DataFrame:
    """One table of an export, of either layout; captures without a time cannot stand on a time axis."""
    found = [pl.read_parquet(file, hive_partitioning=False) for file in _whole(Path(folder), table)]
    if not found:
        raise NotReadableError(
            f"{folder} is no store and has no table {table}. Make it: stackscan fleet --store {folder} SOURCE..., "
            f"or stackscan export SOURCE... --output {folder}"
        )
    joined = pl.concat(found, how="diagonal")  # files of several versions: a column that one lacks is null there
    return joined.filter(pl.col("captured_at").is_not_null())


def _whole(folder: Path, table: str) -> list[Path]:
    """The files of a table that belong to whole exports (docs/tables.md: how to tell)."""
    manifest = folder / "manifest-parquet.json"
    if manifest.exists():
        for name, file in json.loads(manifest.read_text())["files"].items():
            path = folder / name
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
                raise NotReadableError(
                    f"{path} is not the file of the last export: it was stopped, or is at work. Export again."
                )
        return [folder / f"{table}.parquet"]
    if (folder / f"{table}.parquet").exists():  # of a release that wrote no manifest
        return [folder / f"{table}.parquet"]
    snapshots = folder / "snapshots"
    return [folder / table / file.relative_to(snapshots) for file in sorted(snapshots.rglob("*.parquet"))]
