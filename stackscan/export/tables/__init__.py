"""Captures as tables, for DuckDB, polars, pandas, spreadsheets and dashboards (docs/tables.md)."""

from stackscan.export.tables.build import build
from stackscan.export.tables.identity import identify
from stackscan.export.tables.load import exported
from stackscan.export.tables.schema import TABLES, Column, Table

__all__ = ["TABLES", "Column", "Table", "build", "exported", "identify"]
