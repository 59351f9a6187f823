"""What a fleet's goroutines do over time, from what ``stackscan export`` wrote: pools, findings, buckets.

    pip install -r requirements.txt
    streamlit run app.py -- DIR

DIR is the folder of one export or of many (``--partition``). The page reads it anew each minute and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import altair as alt
import polars as pl
import streamlit as st

IDLE, CALM = "#d8dee4", ["#0969da", "#8250df", "#1b7c83", "#57606a"]
ALARMING = {"stalled": "#d1242f", "blocked": "#e16f24"}  # how the names of states begin that hold a worker for nothing
SEVERITIES = {"error": "#d1242f", "warning": "#e3b341", "info": "#54aeff"}
BADGES = {
    "error": ":red-badge[error]",
    "warning": ":orange-badge[warning]",
    "info": ":blue-badge[info]",
    "ok": ":green-badge[ok]",
}
CAPTURE = alt.Axis(labelAngle=-40, labelOverlap=False)
MOST_BUCKETS = 8


@st.cache_data(ttl=60, show_spinner="reading")
def read(folder: str, table: str) -> pl.DataFrame:
    """One table of an export, of either layout; captures without a time cannot stand on a time axis."""
    found = [pl.read_parquet(file, hive_partitioning=False) for file in whole(Path(folder), table)]
    if not found:
        st.error(f"{folder} holds no table {table}. Make it: stackscan export SOURCE... --output {folder}")
        st.stop()
    joined = pl.concat(found, how="diagonal")  # files of several versions: a column that one lacks is null there
    return joined.filter(pl.col("captured_at").is_not_null())


def whole(folder: Path, table: str) -> list[Path]:
    """The files of a table that belong to whole exports (docs/tables.md: how to tell)."""
    manifest = folder / "manifest-parquet.json"
    if manifest.exists():
        for name, file in json.loads(manifest.read_text())["files"].items():
            path = folder / name
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
                st.error(f"{path} is not the file of the last export: it was stopped, or is at work. Export again.")
                st.stop()
        return [folder / f"{table}.parquet"]
    if (folder / f"{table}.parquet").exists():  # of a release that wrote no manifest
        return [folder / f"{table}.parquet"]
    snapshots = folder / "snapshots"
    return [folder / table / file.relative_to(snapshots) for file in sorted(snapshots.rglob("*.parquet"))]


def chosen(table: pl.DataFrame, host: str | None) -> pl.DataFrame:
    """The rows of one host (None: of those without a name), of the view of a process that tells more."""
    return table.filter(pl.col("host").eq_missing(host), ~pl.col("second_view")).with_columns(
        pl.col("captured_at").dt.strftime("%m-%d %H:%M:%S").alias("capture")
    )


def pools(table: pl.DataFrame) -> None:
    """Workers by state, a bar a capture: a pool that is held is red to the top."""
    for (name,), pool in table.group_by("pool", maintain_order=True):
        states = pool.group_by("state", maintain_order=True).agg(pl.col("idle").first())
        colours = _colours(list(states.iter_rows()))
        scale = alt.Scale(domain=list(colours), range=list(colours.values()))
        chart = alt.Chart(pool).mark_bar().encode(
            alt.X("capture:O", title=None, axis=CAPTURE),
            alt.Y("count:Q", title="workers", axis=alt.Axis(tickMinStep=1)),
            alt.Color("state:N", scale=scale, title=None, sort=list(colours)),
            order=alt.Order("idle:N"),
            tooltip=["capture", "state", "count", "workers"],
        )  # fmt: skip
        st.caption(f"{name}: {pool['workers'].max()} workers")
        st.altair_chart(chart.properties(height=260))


def _colours(states: list[tuple[str, bool]]) -> dict[str, str]:
    calm = iter([*CALM, *CALM])
    alarming = {name: colour for name, _ in states for start, colour in ALARMING.items() if name.startswith(start)}
    return alarming | {name: IDLE if idle else next(calm) for name, idle in states if name not in alarming}


def findings(table: pl.DataFrame, captures: list[str]) -> None:
    """A row a rule, a cell a capture in which it caught something: how much, and how bad."""
    if table.is_empty():
        st.write("No rule caught anything.")
        return
    base = alt.Chart(table).encode(
        alt.X("capture:O", title=None, axis=CAPTURE, scale=alt.Scale(domain=captures)),
        alt.Y("rule:N", title=None, axis=alt.Axis(labelLimit=260)),
        tooltip=["capture", "rule", "severity", "count", "noun", "title"],
    )
    scale = alt.Scale(domain=list(SEVERITIES), range=list(SEVERITIES.values()))
    cells = base.mark_rect().encode(alt.Color("severity:N", scale=scale, title=None))
    st.altair_chart(
        (cells + base.mark_text().encode(text="count:Q")).properties(height=130 + 36 * table["rule"].n_unique())
    )
    latest = table.sort("captured_at", descending=True, maintain_order=True)
    st.dataframe(latest.select("capture", "severity", "rule", "count", "noun", "title"), hide_index=True, height=280)


def buckets(table: pl.DataFrame) -> None:
    """The largest groups of goroutines, joined over captures by signature."""
    largest = (
        table.group_by("signature", "capture").agg(pl.col("count").sum())
        .group_by("signature").agg(pl.col("count").max()).sort("count", "signature", descending=[True, False])
        .head(MOST_BUCKETS)["signature"].to_list()
    )  # fmt: skip
    shown = (
        table.filter(pl.col("signature").is_in(largest))
        .group_by("captured_at", "capture", "signature", maintain_order=True)
        .agg(pl.col("count").sum(), pl.col("deciding").first(), pl.col("wait_reason").first())
        .with_columns(
            pl.format(
                "{} [{}] {}",
                pl.col("deciding").fill_null("?").str.split("/").list.last(),
                pl.col("wait_reason").fill_null("?"),
                pl.col("signature").str.head(4),
            ).alias("where")
        )
    )
    chart = alt.Chart(shown).mark_line(point=True).encode(
        alt.X("capture:O", title="capture (UTC)", axis=CAPTURE),
        alt.Y("count:Q", title="goroutines"),
        alt.Color("where:N", title=None, legend=alt.Legend(labelLimit=520)),
        tooltip=["where", "signature", "count"],
    )  # fmt: skip
    st.altair_chart(chart.properties(height=380))


def main(folder: str) -> None:
    """The page."""
    st.set_page_config("stackscan", page_icon="🥞", layout="wide")
    snapshots = read(folder, "snapshots")
    hosts = snapshots["host"].unique().sort(nulls_last=True).to_list()
    host = st.sidebar.selectbox("Host", hosts, format_func=lambda name: name or "(no name)") if hosts else None
    captures = chosen(snapshots, host).sort("captured_at")
    st.title("Goroutines over time")
    if captures.is_empty():
        st.info(f"{folder} holds no capture with a time: use --captured-at, or bundles, which know theirs.")
        st.stop()
    last = captures.row(-1, named=True)
    st.markdown(f"{BADGES[last['level']]} **{last['capture']}** UTC, the latest of {len(captures):,} captures")
    st.text(last["verdict"])  # text: names come from strangers
    left, right = st.columns(2)
    with left:
        st.subheader("Pools")
        pools(chosen(read(folder, "pools"), host).sort("captured_at", "pool", maintain_order=True))
    with right:
        st.subheader("Findings")
        findings(chosen(read(folder, "findings"), host).sort("captured_at"), captures["capture"].to_list())
    st.subheader("Buckets")
    buckets(chosen(read(folder, "buckets"), host).sort("captured_at"))


main(sys.argv[1] if len(sys.argv) > 1 else "tables")
