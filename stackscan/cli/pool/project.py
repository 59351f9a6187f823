"""``stackscan pool project``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackscan.cli.options.configuration import Config
from stackscan.cli.options.sources import Timeout, named, within
from stackscan.cli.options.units import seconds, share
from stackscan.cli.output import written
from stackscan.cli.pool.output import Output

if TYPE_CHECKING:
    from stackscan.queueing.send_times import SendTimes

_FROM = "Dumps, bundles, directories: estimate the load from them."
_TIME = {"metavar": "TIME", "show_default": False}


def command(
    captures: Annotated[list[str] | None, typer.Option("--from", metavar="SOURCE...", parser=named, help=_FROM)] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE...", help="Prometheus text of the node: rate, silent share and service time."),
    ] = None,
    scrape_interval: Annotated[
        str | None, typer.Option(metavar="TIME", help="From the first scrape to the last.", show_default=False)
    ] = None,
    pool: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which pool of the captures.", show_default=False)
    ] = None,
    apart: Annotated[str | None, typer.Option(help="From each capture of a process to the next.", **_TIME)] = None,
    workers: Annotated[int | None, typer.Option(help="Workers [default: 12].", show_default=False)] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="PER_SECOND", help="Tasks that come each second.", show_default=False)
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
        str | None, typer.Option(help="After which a waiting peer gives up [default: 30s].", **_TIME)
    ] = None,
    peers: Annotated[
        int | None, typer.Option(metavar="N", help="Silent peers that share the silent sends.", show_default=False)
    ] = None,
    jump_from: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Silent share until t = 0: follow the jump.", show_default=False)
    ] = None,
    jump_time: Annotated[str, typer.Option(metavar="TIME", help="How long the jump lasts.")] = "60s",
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the curves: .svg, .png or .pdf.", show_default=False)
    ] = None,
    output_format: Annotated[Output, typer.Option("--format", "-f", help="For people or for scripts.")] = Output.text,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead.", show_default=False)
    ] = None,
    timeout: Timeout = None,
    config: Config = None,
) -> None:
    """Say how near the pool is to saturation, and what the fix, more workers or a shorter deadline would change.

    From given numbers, from the metrics of a node, or from captures of it: those show a load, never a rate.

    \b
      stackscan pool project --workers 12 --rate 5 --silent-fraction 10% --close-deadline 10s
      stackscan pool project --from ipfs-profile-1.zip ipfs-profile-2.zip --plot load.svg
      stackscan pool project --metrics first.prom second.prom --scrape-interval 1m
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.progress import progress
    from stackscan.load.request import ProjectionRequest, project_request
    from stackscan.queueing.curves import curves
    from stackscan.render import renderer

    deadline = None if close_deadline is None else seconds(close_deadline)
    between = None if scrape_interval is None else seconds(scrape_interval)
    request = ProjectionRequest(
        captures=tuple(within(captures or (), timeout)),
        measured=_measured(metrics, deadline, between),
        pool=pool,
        workers=workers,
        rate_per_second=rate,
        silent_fraction=None if silent_fraction is None else share(silent_fraction),
        deadline_seconds=deadline,
        service_seconds=None if service_time is None else seconds(service_time),
        probe_seconds=None if probe_timeout is None else seconds(probe_timeout),
        peers=peers,
        jump_from=None if jump_from is None else share(jump_from),
        jump_seconds=seconds(jump_time),
        apart_seconds=None if apart is None else seconds(apart),
        configured=lambda: configuration(config),
    )
    picture_format = None if plot is None else _picture_format(plot)
    with progress() as bar:
        found, fix = project_request(request, bar)
    if plot is not None and picture_format is not None:
        from stackscan.render.plots.figure import draw

        picture = draw(curves(found), picture_format=picture_format)
        with written(plot) as out:
            out.buffer.write(picture)
    with written(output) as out:
        renderer("projection", output_format.value)(found, out, fix=fix, measured=request.measured)


def _measured(metrics: list[str] | None, deadline: float | None, between: float | None) -> SendTimes | None:
    if not metrics:
        return None
    from stackscan.integrations.prometheus import measure

    return measure(metrics, close_deadline_seconds=deadline, seconds_between=between)


def _picture_format(plot: Path) -> str:
    """Said before anything is read."""
    from stackscan.render.plots.figure import format_of

    return format_of(str(plot))
