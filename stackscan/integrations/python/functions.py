"""The functions ``scan``, ``read``, ``check``, ``compare`` and ``forecast``.

All of them raise :class:`stackscan.errors.StackscanError`, whose ``hint`` says what to do. None reads Go source or the
stackscan.toml of the current folder: ``config`` names one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from stackscan.errors import UsageError
from stackscan.integrations.python.results import CheckOutcome, CompareResult, ForecastResult, ScanResult
from stackscan.sources import Source as Address
from stackscan.sources import network

if TYPE_CHECKING:
    from stackscan.knowledge.rule import Severity
    from stackscan.model.snapshot import Snapshot

#: The path of a dump, a bundle or a directory, ``-`` for standard input, or an http(s) address.
Source = str | os.PathLike[str]


def scan(  # each is an option of the command
    source: Source | Iterable[Source],
    *,
    top: int | None = None,
    where: str | None = None,
    by: str | None = None,
    config: Source | None = None,
    timeout_seconds: float | None = None,
) -> ScanResult:
    """The report of an input or of several: what ``stackscan report`` shows, as frozen data.

    ``top`` limits the buckets of each snapshot (None: all). ``where`` is an expression that says which goroutines the
    report is about (None: all). ``by`` is ``label:KEY``, ``host``, ``module`` or ``created_at``: then each snapshot's
    ``breakdown`` counts goroutines, findings and pools by its values. ``config`` is a stackscan.toml with more rules
    and pools; ``timeout_seconds`` is how long each address may take in all (None: the limits in docs/sources.md).
    Raises StackscanError when an input cannot be read or holds no dump, and for a wrong ``where``, ``by`` or file.
    """
    from stackscan import pipeline
    from stackscan.analysis.breakdown import check_key
    from stackscan.analysis.selection import check_expression
    from stackscan.knowledge.configuration import load
    from stackscan.report.capture import Options

    check_key(by)
    check_expression(where)
    options = Options(load(_path(config)), where, top, by=by)
    examined = [pipeline.examine(each, options=options) for each in _inputs(source, timeout_seconds)]
    captures = tuple(capture for found, _ in examined for capture in found)
    bundles = tuple(bundle for _, bundle in examined if bundle is not None)
    return ScanResult(tuple(capture.report for capture in captures), bundles, captures)


def read(source: Source, *, timeout_seconds: float | None = None) -> tuple[Snapshot, ...]:
    """The snapshots of one input, in the order of its members: a polars table of goroutines and their stacks each.

    Raises StackscanError as :func:`scan` does; damage inside a dump is in :attr:`Snapshot.problems`.
    """
    from stackscan.formats.contents import read_source

    contents = read_source(_input(source, timeout_seconds), keep_content=False)
    return tuple(capture.snapshot for capture in contents.captures)


def check(  # each is an option of the command
    source: Source | Iterable[Source],
    *,
    policy: Source | None = None,
    baseline: Source | None = None,
    fail_on: Severity | None = None,
    today: date | None = None,
    config: Source | None = None,
    timeout_seconds: float | None = None,
) -> CheckOutcome:
    """The outcome of ``stackscan check``: which findings fail; ``exit_code`` is 0, 1 or 2 as the command's.

    ``policy`` and ``baseline`` are files (None: the ``[check]`` table of ``config``, and no baseline); ``fail_on`` is
    the lowest severity that fails (None: the policy's, else ``error``). ``today`` decides which ignores have expired.
    Raises StackscanError for a wrong policy or baseline, and when no input at all can be read; where one of several
    cannot, its ``trouble`` says so and ``exit_code`` is 2.
    """
    from stackscan import api
    from stackscan.knowledge.configuration import load

    found, _ = api.check(
        _some(source, timeout_seconds),
        configuration=load(_path(config)),
        policy=_path(policy),
        baseline=_path(baseline),
        fail_on=fail_on,
        today=today,
    )
    return CheckOutcome.of(found)


def compare(
    source: Source | Iterable[Source],
    *,
    interval: timedelta | None = None,
    config: Source | None = None,
    timeout_seconds: float | None = None,
) -> CompareResult:
    """What changed between captures given in time order: ``verdict.kind`` is leak, steady, sawtooth or unclear.

    ``interval`` is the time between neighbours (None: as their names or notes say). Raises StackscanError when an input
    cannot be read, or all of them hold fewer than two captures.
    """
    from stackscan import api
    from stackscan.knowledge.configuration import load

    found = api.compare(_inputs(source, timeout_seconds), configuration=load(_path(config)), every=interval)
    return CompareResult.of(found)


def forecast(  # noqa: PLR0913  # each is an option of the command
    source: Source | Iterable[Source],
    *,
    pool: str | None = None,
    apart_seconds: float | None = None,
    rate_per_second: float | None = None,
    silent_fraction: float | None = None,
    close_deadline_seconds: float | None = None,
    service_seconds: float | None = None,
    probe_timeout_seconds: float | None = None,
    config: Source | None = None,
    timeout_seconds: float | None = None,
) -> ForecastResult:
    """What the pool model says of a pool in captures: ``stackscan pool project --from``. Loads are in erlangs.

    ``pool`` names it (None: the one with a model that the captures show). ``apart_seconds`` is the time from each
    capture of a process to the next (None: as their names say). The others are known numbers of the pool: tasks a
    second, the share of silent peers from 0 to 1, and times in seconds (None: as the pool's description has them).
    Raises StackscanError when an input cannot be read, no dump shows such a pool, or the numbers make no pool.
    """
    from stackscan.knowledge.configuration import load
    from stackscan.load.request import ProjectionRequest, project_request

    configuration = load(_path(config))
    request = ProjectionRequest(
        captures=_some(source, timeout_seconds),
        measured=None,
        pool=pool,
        workers=None,
        rate_per_second=rate_per_second,
        silent_fraction=silent_fraction,
        deadline_seconds=close_deadline_seconds,
        service_seconds=service_seconds,
        probe_seconds=probe_timeout_seconds,
        peers=None,
        jump_from=None,
        jump_seconds=60.0,
        apart_seconds=apart_seconds,
        configured=lambda: configuration,
    )
    found, fix = project_request(request)
    return ForecastResult.of(found, fix)


def _inputs(source: Source | Iterable[Source], timeout_seconds: float | None) -> tuple[Address, ...]:
    """One source or several, as the pipeline takes them."""
    given = (source,) if isinstance(source, str | os.PathLike) else source
    return tuple(_input(each, timeout_seconds) for each in given)


def _input(source: Source, timeout_seconds: float | None) -> Address:
    """Raises SourceError for an address where STACKSCAN_NO_NETWORK forbids it."""
    found = Address(source if isinstance(source, str) else os.fspath(source), timeout_seconds=timeout_seconds)
    network.check(found)
    return found


def _some(source: Source | Iterable[Source], timeout_seconds: float | None) -> tuple[Address, ...]:
    """At least one source. Raises UsageError for none."""
    found = _inputs(source, timeout_seconds)
    if not found:
        raise UsageError("there is no source", hint="Give the path of a goroutine dump, or several.")
    return found


def _path(given: Source | None) -> Path | None:
    return None if given is None else Path(given)
