"""Reports of Go's race detector: the two accesses of each race are goroutines, and each race is a conclusion."""

from stackscan.formats.race_report.reader import NAME, read
from stackscan.formats.race_report.spans import MARKS, spans

__all__ = ["MARKS", "NAME", "read", "spans"]
