"""Lists of leaked goroutines: go.uber.org/goleak, fortytw2/leaktest, and gRPC's own check."""

from stackscan.formats.goleak.reader import NAME, read
from stackscan.formats.goleak.spans import MARKS, spans

__all__ = ["MARKS", "NAME", "read", "spans"]
