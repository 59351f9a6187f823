"""Named stuck patterns: descriptions are data (catalogue/, one TOML file each), the engine is here."""

from stackscan.rules.description import Rule, Severity, catalogue
from stackscan.rules.engine import Finding, classify, told_by

__all__ = ["Finding", "Rule", "Severity", "catalogue", "classify", "told_by"]
