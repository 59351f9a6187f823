"""Limits on names, labels and stacks, for all formats; the numbers are in sources/limits.py.

The goroutine stays: names keep their beginning, stacks their inner frames, labels are left out; a problem says so.
"""

from __future__ import annotations

from stackscan.sources import limits


def is_long(name: str | bytes) -> bool:
    """Whether a name is longer than the limit."""
    return len(name) > limits.MAX_NAME


def shortened(name: str | bytes) -> str:
    """The beginning of a long name, and a digest that keeps different names different."""
    import hashlib

    raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    digest = hashlib.blake2b(raw, digest_size=6).hexdigest()
    kept = raw[: limits.MAX_NAME - len(digest) - 3].decode("utf-8", "ignore")
    return f"{kept}…{digest}"


def long_name(length: int) -> str:
    """The problem of a shortened name."""
    return f"a name of {length:,} bytes; only its beginning is kept (limit {limits.MAX_NAME >> 10} KiB)"


def too_deep() -> str:
    """The problem of a stack without its outer frames."""
    return f"a stack of more than {limits.MAX_FRAMES:,} frames; the outer ones are skipped"


def are_long(labels: str | None) -> bool:
    """Whether labels, as Go 1.27 prints them, are longer than the limit."""
    return labels is not None and len(labels) > limits.MAX_LABEL_BYTES


def long_labels(length: int) -> str:
    """The problem of labels that were left out."""
    return f"labels of {length:,} bytes; skipped"
