"""What Python programs and notebooks call: typed functions, and results that show themselves (docs/python.md)."""

from stackscan.integrations.python.functions import Source, check, compare, forecast, read, scan
from stackscan.integrations.python.results import CheckOutcome, CompareResult, ForecastResult, ScanResult

__all__ = [
    "CheckOutcome",
    "CompareResult",
    "ForecastResult",
    "ScanResult",
    "Source",
    "check",
    "compare",
    "forecast",
    "read",
    "scan",
]
