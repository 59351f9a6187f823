"""Errors for input that is no goroutine dump: what it is instead, and the one command that gives the right thing."""

from stackscan.formats.refusals.refuse import refuse_programs, refuse_unknown, refuse_wrapped

__all__ = ["refuse_programs", "refuse_unknown", "refuse_wrapped"]
