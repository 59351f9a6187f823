"""Protobuf profiles of goroutines (debug=0, Go 1.8 and later), gzip already taken off by the source.

profile.proto describes the wire format. Also CockroachDB's debug=3: one sample a goroutine, with its id and state.
"""

from stackscan.formats.goroutine_pprof.claim import claims
from stackscan.formats.goroutine_pprof.reader import NAME, read

__all__ = ["NAME", "claims", "read"]
