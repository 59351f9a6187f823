"""Reports of github.com/sasha-s/go-deadlock: locks taken in both orders, taken twice, or waited for too long."""

from stackscan.formats.go_deadlock.reader import NAME, read
from stackscan.formats.go_deadlock.spans import MARKS, spans

__all__ = ["MARKS", "NAME", "read", "spans"]
