"""The counted text of goroutine and goroutineleak profiles: debug=1, and debug=0 of Go 1.7 and earlier.

``grammars/counts.lark`` is the authority on the text. Frame lines are few and pass it once each; count lines and
label lines may differ from record to record, so they are taken apart by the grammar's own terminals.
"""

from stackscan.formats.goroutine_counts.claim import claims
from stackscan.formats.goroutine_counts.reader import NAME, read

__all__ = ["NAME", "claims", "read"]
