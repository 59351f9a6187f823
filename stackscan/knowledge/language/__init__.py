"""The rule language: expressions that select goroutines (manual: docs/rules.md)."""

from stackscan.knowledge.language.deciding import deciding
from stackscan.knowledge.language.evaluate import Catalogue, mask, select, select_in
from stackscan.knowledge.language.index import Index, index_of
from stackscan.knowledge.language.outcomes import prepare
from stackscan.knowledge.language.reading import Kind, kind_of_rows, parse, read_expression, read_kinds
from stackscan.knowledge.language.syntax import Expression

__all__ = [
    "Catalogue",
    "Expression",
    "Index",
    "Kind",
    "deciding",
    "index_of",
    "kind_of_rows",
    "mask",
    "parse",
    "prepare",
    "read_expression",
    "read_kinds",
    "select",
    "select_in",
]
