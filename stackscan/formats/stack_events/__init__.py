"""Stacks that a program reported: events in JSON, and stacks of loggers without a goroutine's header.

Sentry, OpenTelemetry, zap, zerolog, logrus, pkg/errors, gin, chi and others write where an error was made. One event
is one goroutine of the snapshot; its error is a conclusion of the snapshot (kind ``logged-error``).
"""

from stackscan.formats.stack_events.reader import MARKS, NAME, read, spans

__all__ = ["MARKS", "NAME", "read", "spans"]
