"""Captures as tables, for DuckDB, polars, pandas, spreadsheets and dashboards (docs/tables.md)."""
