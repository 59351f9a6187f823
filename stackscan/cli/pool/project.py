"""``stackscan pool project``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackscan.cli.options import option
from stackscan.cli.options.configuration import Config
from stackscan.cli.options.output import Open, OutputFile
from stackscan.cli.options.pool import DEADLINE, RATE, SERVICE, SILENT, PoolFormat, part, time
from stackscan.cli.options.sources import NoNetwork, Timeout, named, within
from stackscan.cli.terminal.output import page_file, written

if TYPE_CHECKING:
    from stackscan.queueing.send_times import SendTimes

_FROM = "Dumps, bundles, directories: estimate the load from them."
_METRICS = "Prometheus text of the node: rate, silent share and service time."


def command(
    captures: Annotated[list[str] | None, typer.Option("--from", metavar="SOURCE...", parser=named, help=_FROM)] = None,
    metrics: Annotated[list[str] | None, typer.Option(metavar="FILE...", help=_METRICS)] = None,
    scrape_interval: Annotated[float | None, time("From the first scrape to the last.")] = None,
    pool: Annotated[str | None, option("Which pool of the captures.", metavar="NAME")] = None,
    apart: Annotated[float | None, time("From each capture of a process to the next.")] = None,
    workers: Annotated[int | None, option("Workers [default: 12].", metavar="N")] = None,
    rate: Annotated[float | None, RATE] = None,
    silent_fraction: Annotated[float | None, SILENT] = None,
    close_deadline: Annotated[float | None, DEADLINE] = None,
    service_time: Annotated[float | None, SERVICE] = None,
    probe_timeout: Annotated[float | None, time("After which a waiting peer gives up.", default="30s")] = None,
    peers: Annotated[int | None, option("Silent peers that share the silent sends.", metavar="N")] = None,
    jump_from: Annotated[float | None, part("Silent share until t = 0: follow the jump.")] = None,
    jump_time: Annotated[float, time("How long the jump lasts.", default="60s")] = 60.0,
    plot: Annotated[Path | None, option("Draw the curves: .svg, .png or .pdf.", metavar="FILE")] = None,
    output_format: PoolFormat = "text",
    output: OutputFile = None,
    open_page: Open = False,
    timeout: Timeout = None,
    no_network: NoNetwork = False,
    config: Config = None,
) -> None:
    """Show how close the pool is to saturation, and what the fix, more workers or a shorter deadline would change.

    From given numbers, from the metrics of a node, or from captures of it (which show a load, not a rate).

    \b
      stackscan pool project --workers 12 --rate 5 --silent-fraction 10% --close-deadline 10s
      stackscan pool project --from ipfs-profile-1.zip ipfs-profile-2.zip --plot load.svg
      stackscan pool project --metrics first.prom second.prom --scrape-interval 1m
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.progress import progress
    from stackscan.load.request import ProjectionRequest, project_request
    from stackscan.queueing.curves import curves
    from stackscan.render import renderer

    request = ProjectionRequest(
        captures=tuple(within(captures or (), timeout, no_network)),
        measured=_measured(metrics, close_deadline, scrape_interval),
        pool=pool,
        workers=workers,
        rate_per_second=rate,
        silent_fraction=silent_fraction,
        deadline_seconds=close_deadline,
        service_seconds=service_time,
        probe_seconds=probe_timeout,
        peers=peers,
        jump_from=jump_from,
        jump_seconds=jump_time,
        apart_seconds=apart,
        configured=lambda: configuration(config),
    )
    if plot is not None:
        from stackscan.render.plots.figure import draw, format_of

        picture_format = format_of(str(plot))
    with progress() as bar:
        found, fix = project_request(request, bar)
    if plot is not None:
        with written(plot) as out:
            out.buffer.write(draw(curves(found), picture_format=picture_format))
    with page_file(output, output_format, show=open_page) as place, written(place) as out:
        renderer("projection", output_format)(found, out, fix=fix, measured=request.measured)


def _measured(metrics: list[str] | None, close_deadline: float | None, between: float | None) -> SendTimes | None:
    if not metrics:
        return None
    from stackscan.integrations.prometheus import measure

    return measure(metrics, close_deadline_seconds=close_deadline, seconds_between=between)
