"""The wait-for graph of a cause: goroutines and what they wait for, in as few boxes as a reader can follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackscan.report.graph.boxes import boxes
from stackscan.report.graph.crowds import summed
from stackscan.report.graph.model import Edge, Graph, Node

if TYPE_CHECKING:
    from stackscan.analysis.finding import Finding

__all__ = ["Edge", "Graph", "Node", "boxes", "graph_of", "summed"]


def graph_of(finding: Finding) -> Graph | None:
    """The graph of a finding; None where there is nothing to draw."""
    found = None if finding.waits is None else boxes(finding.waits)
    return summed(found) if found is not None and found.edges else None
