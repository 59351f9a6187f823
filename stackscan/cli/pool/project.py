"""``stackscan pool project``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stackscan.cli.configured import Config
from stackscan.cli.pool.output import Output
from stackscan.cli.sources import Timeout, named, within
from stackscan.cli.units import seconds, share

_FROM = "Dumps, bundles, directories: estimate the load from them."
_TIME = {"metavar": "TIME", "show_default": False}


def command(
    captures: Annotated[list[str] | None, typer.Option("--from", metavar="SOURCE...", parser=named, help=_FROM)] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE...", help="Prometheus text of the node: rate, silent share and service time."),
    ] = None,
    scrape_interval: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time from the first scrape to the last.", show_default=False)
    ] = None,
    pool: Annotated[
        str | None, typer.Option(metavar="NAME", help="The pool, if the captures show several.", show_default=False)
    ] = None,
    apart: Annotated[str | None, typer.Option(help="Time between the captures of a process.", **_TIME)] = None,
    workers: Annotated[int | None, typer.Option(help="Workers [default: 12].", show_default=False)] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="PER_SECOND", help="Tasks that arrive per second.", show_default=False)
    ] = None,
    silent_fraction: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Share of tasks with a silent peer.", show_default=False)
    ] = None,
    close_deadline: Annotated[
        str | None, typer.Option(help="How long a close waits for a silent peer [default: 10s].", **_TIME)
    ] = None,
    service_time: Annotated[
        str | None, typer.Option(help="How long one write takes [default: 300us].", **_TIME)
    ] = None,
    probe_timeout: Annotated[
        str | None, typer.Option(help="How long a waiting peer waits [default: 30s].", **_TIME)
    ] = None,
    peers: Annotated[int | None, typer.Option(metavar="N", help="Number of silent peers.", show_default=False)] = None,
    jump_from: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Silent share before t = 0: simulate the jump.", show_default=False),
    ] = None,
    jump_time: Annotated[str, typer.Option(metavar="TIME", help="How long the jump lasts.")] = "60s",
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the curves: .svg, .png or .pdf.", show_default=False)
    ] = None,
    output_format: Annotated[
        Output, typer.Option("--format", "-f", help="text for people, json for scripts.")
    ] = Output.text,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write there instead of to standard output.", show_default=False
        ),
    ] = None,
    timeout: Timeout = None,
    config: Config = None,
) -> None:
    """Show how close the pool is to saturation, and what the fix, more workers or a shorter deadline would change.

    From given numbers, from the metrics of a node, or from captures of it (which show a load, not a rate).

    \b
      stackscan pool project --workers 12 --rate 5 --silent-fraction 10% --close-deadline 10s
      stackscan pool project --from ipfs-profile-1.zip ipfs-profile-2.zip --plot load.svg
      stackscan pool project --metrics first.prom second.prom --scrape-interval 1m
    """
    from stackscan.cli.configured import configuration
    from stackscan.cli.pool.asked import answer
    from stackscan.question import Asked

    answer(
        Asked(
            captures=tuple(within(captures or (), timeout)),
            metrics=tuple(metrics or ()),
            scrape_seconds=None if scrape_interval is None else seconds(scrape_interval),
            pool=pool,
            workers=workers,
            rate_per_second=rate,
            silent_fraction=None if silent_fraction is None else share(silent_fraction),
            deadline_seconds=None if close_deadline is None else seconds(close_deadline),
            service_seconds=None if service_time is None else seconds(service_time),
            probe_seconds=None if probe_timeout is None else seconds(probe_timeout),
            peers=peers,
            jump_from=None if jump_from is None else share(jump_from),
            jump_seconds=seconds(jump_time),
            apart_seconds=None if apart is None else seconds(apart),
            configured=lambda: configuration(config),
        ),
        as_json=output_format is Output.json,
        output=output,
        plot=plot,
    )
