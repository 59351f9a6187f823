"""A fleet's goroutines over time: what is in trouble first, hosts side by side.

    pip install -r requirements.txt
    streamlit run app.py -- PLACE

PLACE is a store (``stackscan fleet --store PLACE``), in a folder or in object storage, or a folder that ``stackscan
export`` wrote. The page reads it anew each minute and changes nothing.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

import altair as alt
import polars as pl
import streamlit as st
from captures import Captures, Group, NotReadableError, Problem, is_store, of_export, of_store, services_and_hosts

COLOURS = {"error": "#c9252d", "warning": "#bf7a00", "info": "#2f6fb3"}
BADGES = {
    "error": ":red-badge[error]",
    "warning": ":orange-badge[warning]",
    "info": ":blue-badge[info]",
    "ok": ":green-badge[ok]",
}
BUSY = alt.Scale(domain=[0, 0.5, 0.8, 1], range=["#e6efe9", "#fbe3a1", "#ee8a3c", "#b81d24"], clamp=True)
GREY, SLATE = "#9aa5b1", "#3d6b8c"
MOST_PROBLEMS, MOST_HOSTS, MOST_ROWS = 8, 3, 8
#: A pool is in trouble from this share of busy workers on.
BUSY_FROM = 0.5
ALL = "all"
#: Browsers show times in their own zone, also where the axis is UTC: so text.
MOMENT = pl.col("captured_at").dt.strftime("%Y-%m-%d %H:%M:%S").alias("moment")
MOMENT_TIP = alt.Tooltip("moment:N", title="captured (UTC)")


@st.cache_data(ttl=60, show_spinner="reading")
def read(place: str, service: str | None, host: str | None) -> Captures:
    """What the page shows, of a service or host (None: of all)."""
    return of_store(place, service, host) if is_store(place) else of_export(place, host)


@st.cache_data(ttl=60, show_spinner="reading")
def choices(place: str) -> pl.DataFrame:
    """Services and hosts."""
    return services_and_hosts(place)


def plain(text: str) -> str:
    """Names come from strangers: nothing in them is markup."""
    return "".join(f"\\{mark}" if mark in "\\`*_[]<>$:#~|" else mark for mark in text)


def bounds(taken: pl.DataFrame) -> tuple[datetime, datetime]:
    """The first and the last capture."""
    return taken["captured_at"].min(), taken["captured_at"].max()  # type: ignore[return-value]  # times, and not empty


def time_axis(first: datetime, last: datetime, ticks: int) -> alt.X:
    """To scale, UTC: hours and minutes, or days where they are many."""
    span = last - first
    shape = "%H:%M" if span <= timedelta(days=1) else "%b %d %H:%M" if span <= timedelta(days=3) else "%b %d"
    axis = alt.Axis(grid=False, tickCount=ticks, format=shape, labelOverlap=True, labelFlush=True)
    scale = alt.Scale(type="utc", domain=[first.isoformat(), last.isoformat()])
    return alt.X("captured_at:T", scale=scale, title=None, axis=axis)


def small(series: pl.DataFrame, taken: pl.DataFrame, colour: str, most: int) -> alt.LayerChart:
    """One line for one host, on the scale of its neighbours."""
    base = alt.Chart(series.with_columns(MOMENT)).encode(
        time_axis(*bounds(taken), 4),
        alt.Y(
            "count:Q", title=None, scale=alt.Scale(domain=[0, max(most, 1)]), axis=alt.Axis(tickCount=3, format="~s")
        ),
        tooltip=["host", MOMENT_TIP, "count"],
    )
    area = base.mark_area(color=colour, opacity=0.16)
    line = base.mark_line(color=colour, strokeWidth=2)
    points = base.mark_point(color=colour, filled=True, opacity=1, size=18 if series.height <= 60 else 0)
    return (area + line + points).properties(height=130)


def problem(one: Problem, taken: pl.DataFrame) -> None:
    """One finding: what it is on the left, the hosts that have most on the right."""
    worst = one.series.group_by("host").agg(pl.col("count").max()).sort("count", "host", descending=[True, False])
    hosts = worst["host"].head(MOST_HOSTS).to_list()
    more = worst.height - len(hosts)
    most = int(worst["count"].max() or 0)  # type: ignore[arg-type]
    with st.container(border=True):
        words, *places = st.columns([4, *[9 / max(len(hosts), 1)] * len(hosts)])
        with words:
            st.markdown(f"{BADGES[one.severity]} **{plain(one.title)}**")
            facts = [*map(plain, one.facts), *([f"{more:,} more not drawn"] if more > 0 else [])]
            st.markdown("  \n".join(facts))
        for column, host in zip(places, hosts, strict=True):
            of_host = one.series.filter(pl.col("host") == host)
            with column:
                st.caption(f"{plain(host)} · {of_host['count'][-1]:,} at last")
                st.altair_chart(small(of_host, taken, COLOURS[one.severity], most))


def pools(rows: pl.DataFrame, taken: pl.DataFrame) -> None:
    """The share of busy workers by host, a cell a capture: the busiest pool first, and its busiest host."""
    if rows.is_empty():
        st.write("No pool of workers is known in these captures.")
        return
    rows = rows.with_columns((pl.col("count") / pl.col("workers").clip(1)).alias("share"))
    order = rows.group_by("pool").agg(pl.col("share").max()).sort("share", "pool", descending=[True, False])
    calm = []
    for name, share in order.iter_rows():
        pool = rows.filter(pl.col("pool") == name)
        hosts = busiest(pool)
        if share < BUSY_FROM:
            most = pool["workers"].max()
            calm.append(
                {"pool": name, "hosts": hosts.height, "workers, at most": most, "busy, at most": f"{share:.0%}"}
            )
            continue
        full = hosts.filter(pl.col("share") >= BUSY_FROM).height
        st.markdown(f"**{plain(name)}**: at least half busy on {full:,} of {hosts.height:,} hosts, up to {share:.0%}")
        shown = hosts["host"].head(max(MOST_ROWS // 2, min(full + 1, MOST_ROWS))).to_list()
        st.altair_chart(heat(pool, shown, taken))
    if calm:
        st.dataframe(calm, hide_index=True)


def busiest(pool: pl.DataFrame) -> pl.DataFrame:
    """The hosts of a pool, those in trouble first, then siblings of the first."""
    found = pool.group_by("service", "host").agg(pl.col("share").max())
    found = found.sort("share", "service", "host", descending=[True, False, False])
    return found.sort(pl.col("share") < BUSY_FROM, pl.col("service") != found["service"][0], maintain_order=True)


def heat(pool: pl.DataFrame, hosts: list[str], taken: pl.DataFrame) -> alt.Chart:
    """A row a host. A cell lasts until the next capture, if that is not too far, and is wide enough to be seen."""
    first, last = bounds(taken)
    gaps = taken.sort("captured_at").select(pl.col("captured_at").diff().over("label").median())
    usual = gaps.item() or timedelta(minutes=1)
    least = max(usual, (last - first) / 80)
    start = pl.col("captured_at")
    following = start.shift(-1).over("host").fill_null(start + least).clip(upper_bound=start + 3 * usual)
    shown = pool.filter(pl.col("host").is_in(hosts)).sort("host", "captured_at")
    until = pl.max_horizontal(following, start + (last - first) / 80).alias("until")
    shown = shown.with_columns(MOMENT, until)
    chart = alt.Chart(shown).mark_rect(stroke="white", strokeWidth=1)
    legend = alt.Legend(format=".0%", gradientLength=90) if len(hosts) > 2 else None
    chart = chart.encode(
        time_axis(first, last + least, 8),
        alt.X2("until:T"),
        alt.Y("host:N", sort=hosts, title=None, axis=alt.Axis(labelLimit=160, ticks=False, domain=False)),
        alt.Color("share:Q", scale=BUSY, title="busy", legend=legend),
        tooltip=["host", MOMENT_TIP, "detail", "workers"],
    )
    return chart.properties(height=44 + 26 * len(hosts))


def groups(found: tuple[Group, ...], taken: pl.DataFrame) -> None:
    """The largest groups, each on a scale that starts at zero; those that are idle come last, in grey."""
    for first in range(0, len(found), 4):
        for column, group in zip(st.columns(4), found[first : first + 4], strict=False):
            with column:
                st.caption(f"{plain(group.name)}{' · idle' if group.idle else ''}")
                most = int(group.series["count"].max() or 0)  # type: ignore[arg-type]
                st.altair_chart(small(group.series, taken, GREY if group.idle else SLATE, most))


def table(name: str, rows: list[dict[str, Any]]) -> None:
    """A table with its heading, if it has any rows."""
    if rows:
        st.subheader(f"{name} ({len(rows):,})")
        st.dataframe(rows, hide_index=True, height=min(250, 38 + 35 * len(rows)))


def chosen(place: str) -> tuple[str | None, str | None]:
    """What the reader wants to see: a service, a host."""
    known = choices(place)
    left, right, _ = st.columns([1, 1, 2])
    services = known["service"].unique().sort().to_list()
    service = left.selectbox("Service", [ALL, *services]) if len(services) > 1 else ALL
    hosts = known.filter(pl.lit(service == ALL) | (pl.col("service") == service))["host"].unique().sort().to_list()
    host = right.selectbox("Host", [ALL, *hosts]) if len(hosts) > 1 else ALL
    return (None if service == ALL else service), (None if host == ALL else host)


def head(found: Captures) -> None:
    """The verdict, and what it is of."""
    first, last = bounds(found.taken)
    level, words = found.verdict
    st.markdown(f"{BADGES.get(level, '')} **{plain(words)}**")
    hosts = found.taken.select("service", "host").n_unique()
    moments = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    st.caption(f"{found.taken.height:,} captures of {hosts:,} host{'' if hosts == 1 else 's'}, {moments}")


def main(place: str) -> None:
    """The page."""
    st.set_page_config("stackscan", page_icon="🥞", layout="wide")
    st.html("<style>.block-container { padding-top: 2.5rem; }</style>")
    st.title("Goroutines over time")
    try:
        found = read(place, *chosen(place))
    except NotReadableError as error:
        st.error(plain(str(error)))
        st.stop()
    if found.taken.is_empty():
        st.info("No capture with a known time.")
        st.stop()
    head(found)
    st.subheader("Findings")
    for one in found.problems[:MOST_PROBLEMS]:
        problem(one, found.taken)
    if not found.problems:
        st.write("Nothing above info.")
    if len(found.problems) > MOST_PROBLEMS:
        st.caption(f"{len(found.problems) - MOST_PROBLEMS} more: stackscan fleet --all")
    st.subheader("Pools")
    pools(found.pools, found.taken)
    table("Hosts that differ from their siblings", found.odd)
    st.subheader("Largest groups, all hosts")
    groups(found.groups, found.taken)
    table("Could not be read", found.unreadable)


main(sys.argv[1] if len(sys.argv) > 1 else "store")
