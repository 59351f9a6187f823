"""Removes private names from dumps, so that they can be attached to a public issue."""

from stackscan.redaction.key import new_key, read_key
from stackscan.redaction.redact import Redaction

__all__ = ["Redaction", "new_key", "read_key"]
