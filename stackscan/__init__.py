"""stackscan reads Go goroutine dumps and says what is stuck, where, and what to do about it."""

__version__ = "0.1.0"
