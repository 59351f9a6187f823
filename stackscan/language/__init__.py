"""The rule language: expressions that say which goroutines are meant (manual: docs/rules.md)."""
