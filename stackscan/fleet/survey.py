"""Reads the parts of sources by several processes: part → rows, one function without state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Final

from stackscan import workers
from stackscan.errors import StackscanError
from stackscan.fleet.observe import Observe
from stackscan.fleet.rescue import Rescue, names_of
from stackscan.fleet.row import Row, Unread
from stackscan.formats.contents import Progress, read_members
from stackscan.model.capture import Capture
from stackscan.report import SnapshotReport
from stackscan.report.capture import Options, report_capture
from stackscan.sources.parts import Group, Part, groups

#: Seconds that a process may read without a sign of life: a damaged dump of some hundred megabytes takes a few minutes.
_PATIENCE_SECONDS: Final = 600.0


@contextmanager
def each_part(
    parts: Sequence[Part],
    observe: Observe,
    *,
    options: Options,
    progress: Progress | None = None,
    jobs: int | None = 1,
    dask: str | None = None,
) -> Iterator[Iterator[list[Row | Unread]]]:
    """Within it: the rows of each part of a source, in their order, few of them before they are taken.

    ``jobs``: so many processes read (1: this one; None: as many as there are processors); with ``dask``, the workers of
    the Dask cluster at that address do. What kills its process, or gives no sign of life for ten minutes, twice, is
    named as unread, and the run goes on; not where this process reads. When the block ends, nobody reads any more.
    """
    work = Survey(observe, options)
    shared = _Shared(work, progress)
    with shared.on_dask(parts, dask) if dask is not None else shared.here(parts, jobs) as rows:
        yield rows


@dataclass(frozen=True, slots=True)
class _Shared:
    """How parts are shared between those who read."""

    work: Survey
    progress: Progress | None

    @contextmanager
    def here(self, parts: Sequence[Part], jobs: int | None) -> Iterator[Iterator[list[Row | Unread]]]:
        """Between processes of this machine."""
        with workers.in_order(
            parts,
            self.work,
            jobs=jobs,
            progress=self.progress,
            here=attrgetter("stays"),
            lost=self._rescue(workers.apart),
            patience=_PATIENCE_SECONDS,
        ) as outcomes:
            yield outcomes

    @contextmanager
    def on_dask(self, parts: Sequence[Part], address: str) -> Iterator[Iterator[list[Row | Unread]]]:
        """Between the workers of a cluster."""
        from stackscan.workers.cluster import cluster

        with cluster(address) as those:
            outcomes = those.in_order(
                parts,
                self.work,
                lost=self._rescue(those.apart),
                here=attrgetter("stays"),
                progress=self.progress,
                patience=_PATIENCE_SECONDS,
            )
            with closing(outcomes):
                yield outcomes

    def _rescue(self, apart: Callable[..., Any]) -> Rescue:
        return Rescue(
            run=lambda part: apart(part, self.work, patience=_PATIENCE_SECONDS),
            names=lambda part: apart(part, names_of, patience=_PATIENCE_SECONDS),
            lost=self.work.observe.lost,
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """What is done with each part, by any process: it may be pickled."""

    observe: Observe
    options: Options

    def __call__(self, part: Part, progress: Progress | None = None) -> list[Row | Unread]:
        """The rows of a part; what cannot be read is a row that says why."""
        rows: list[Row | Unread] = []
        try:
            for group in groups(part):
                if progress is not None:
                    progress(str(part), 0, 0)
                rows += self.of_group(group, progress)
        except StackscanError as error:
            rows.append(self.observe.lost(part, error))
        return rows

    def of_group(self, group: Group, progress: Progress | None = None) -> Iterator[Row | Unread]:
        """The rows of members that are read together."""
        return self.observe(group, partial(self._read, progress))

    def _read(self, progress: Progress | None, group: Group) -> list[tuple[Capture, SnapshotReport]]:
        hide = self.observe.hide
        captures = read_members(group.source, group.members, progress).captures
        shown = [one if hide is None else hide.capture(one) for one in captures]
        return [
            (public, report_capture(one, self.options, shown=public).report)
            for one, public in zip(captures, shown, strict=True)
        ]
