"""Metrics of watched processes for Prometheus: served under /metrics, or written for node_exporter."""

from __future__ import annotations

from stackscan.integrations.openmetrics.exporter import Exporter
from stackscan.integrations.openmetrics.textfile import textfile_note

__all__ = ["Exporter", "textfile_note"]
