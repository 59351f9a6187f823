"""What the functions return: the data of the report, the check, the comparison and the forecast, with tables and HTML.

Each is the data class of its room, so that it is read, serialised and rendered alike. ``_repr_html_`` is what a
notebook shows: a fragment without scripts, in which every name of a dump is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Self

from stackscan.checks.model import CheckResult
from stackscan.comparison.model import Comparison
from stackscan.queueing.projection import Projection
from stackscan.report import CaptureReport, Report

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, eq=False)
class ScanResult(Report):
    """A report, and the ``captures`` that it is about."""

    captures: tuple[CaptureReport, ...] = field(default=(), repr=False)

    def to_polars(self) -> dict[str, pl.DataFrame]:
        """The tables of ``stackscan export`` by name, with every column of docs/columns.md, also where they are empty.

        ``buckets`` has the buckets of the report: ``scan(top=…)`` limits them.
        """
        from stackscan.integrations.python.tables import of_captures

        return of_captures(self.captures)

    def _repr_html_(self) -> str:
        from stackscan.render.html.fragment import of_report

        return of_report(self)


@dataclass(frozen=True, slots=True, eq=False)
class CheckOutcome(CheckResult):
    """The outcome of a check."""

    @classmethod
    def of(cls, found: CheckResult) -> Self:
        """The same outcome, with tables and HTML."""
        return cls(**{one.name: getattr(found, one.name) for one in fields(found)})

    def to_polars(self) -> dict[str, pl.DataFrame]:
        """``findings``: one row for each finding of each capture; ``captures``: one for each capture."""
        from stackscan.integrations.python.tables import of_check

        return of_check(self)

    def _repr_html_(self) -> str:
        from stackscan.render.html.fragment import of_check

        return of_check(self)


@dataclass(frozen=True, slots=True, eq=False)
class CompareResult(Comparison):
    """A comparison of captures."""

    @classmethod
    def of(cls, found: Comparison) -> Self:
        """The same comparison, with tables and HTML."""
        return cls(**{one.name: getattr(found, one.name) for one in fields(found)})

    def to_polars(self) -> dict[str, pl.DataFrame]:
        """``captures``, ``buckets`` and ``findings``; counts are lists with one number for each capture."""
        from stackscan.integrations.python.tables import of_comparison

        return of_comparison(self)

    def _repr_html_(self) -> str:
        from stackscan.render.html.fragment import of_comparison

        return of_comparison(self)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ForecastResult(Projection):
    """A projection of a pool; ``fix`` says in words what moves closes out of the workers."""

    fix: str

    @classmethod
    def of(cls, found: Projection, fix: str) -> Self:
        """The same projection, with tables and HTML."""
        return cls(fix=fix, **{one.name: getattr(found, one.name) for one in fields(found)})

    def to_polars(self) -> dict[str, pl.DataFrame]:
        """``what_ifs``: one row for the pool as it is (``now``) and for each change; times in seconds."""
        from stackscan.integrations.python.tables import of_projection

        return of_projection(self)

    def _repr_html_(self) -> str:
        from stackscan.render.html.fragment import of_projection

        return of_projection(self, self.fix)
