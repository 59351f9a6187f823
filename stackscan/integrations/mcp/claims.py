"""What a tool found, before it is cut into pages: claims, each with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stackscan.integrations.mcp.quoting import LONGEST, MOST_ITEMS, escaped, listed, quoted, safe

if TYPE_CHECKING:
    from stackscan.model.snapshot import Frame

#: Ids that a shortened claim keeps.
_FEW_IDS: Final = 6


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a claim can be checked: the snapshot's id, the first ids of ``count`` goroutines, the signature of their
    stack, the rule, and ``file:line``."""

    snapshot: str | None = None
    goroutine_ids: tuple[int, ...] = ()
    count: int = 0
    signature: str | None = None
    rule: str | None = None
    line: str | None = None

    def values(self, most: int, *, ids: int = MOST_ITEMS) -> dict[str, Any]:
        """As JSON values, with so many ids; what is not known is left out."""
        found: dict[str, Any] = {
            "snapshot": self.snapshot,
            "goroutine_ids": list(self.goroutine_ids[:ids]),
            "goroutines": self.count if self.count > min(len(self.goroutine_ids), ids) else None,
            "signature": self.signature,
            "rule": None if self.rule is None else escaped(self.rule, most),
            "line": None if self.line is None else escaped(self.line, most),
        }
        return {name: value for name, value in found.items() if value not in (None, [])}

    def text(self, most: int) -> str:
        """The same in brackets for people: ``[snapshot 1f0c2a44-1; goroutines 326, 327 … (12); server.go:278]``."""
        parts = [
            self.snapshot and f"snapshot {self.snapshot}",
            listed(self.goroutine_ids, self.count),
            self.signature and f"signature {self.signature}",
            self.rule and f"rule {escaped(self.rule, most)}",
            self.line and escaped(self.line.rpartition("/")[2], most),
        ]
        return f" [{'; '.join(filter(None, parts))}]" if any(parts) else ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a tool found: its kind, a sentence in which names from dumps are quoted, the evidence, and what
    else is known of it by name. ``below`` are further texts of the dump, a line each, for
    the text alone."""

    kind: str
    text: str
    evidence: Evidence = Evidence()
    more: Mapping[str, object] = field(default_factory=dict)
    below: tuple[str, ...] = ()

    def values(self, most: int = LONGEST, *, whole: bool = True) -> dict[str, Any]:
        """As JSON values with texts of at most ``most`` characters; without ``more`` unless ``whole``."""
        found: dict[str, Any] = {"kind": self.kind, "text": escaped(self.text, 3 * most)}
        if not whole:
            return found | {"evidence": self.evidence.values(most, ids=_FEW_IDS), "shortened": True}
        found["evidence"] = self.evidence.values(most)
        return found | ({"more": safe(self.more, most)} if self.more else {})

    def line(self, most: int = LONGEST, *, whole: bool = True) -> str:
        """As a line of text with its evidence, and those below it if ``whole``."""
        first = f"- {escaped(self.text, 3 * most)}{self.evidence.text(most)}"
        return "\n".join([first, *(f"    {quoted(line, most)}" for line in self.below if whole)])


def place(frame: Frame | None) -> str | None:
    """``github.com/acme/app/server.go:278``; None where the runtime did not know the file."""
    return None if frame is None or not frame.file else f"{frame.file}:{frame.line}"
