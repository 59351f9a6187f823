"""Captures as tables, for DuckDB, polars, pandas, spreadsheets and dashboards (docs/tables.md)."""

from stackscan.export.tables.build import Told, build, identify, identify_as_before, told
from stackscan.export.tables.load import exported
from stackscan.export.tables.schema import TABLES, Column, Table

__all__ = ["TABLES", "Column", "Table", "Told", "build", "exported", "identify", "identify_as_before", "told"]
