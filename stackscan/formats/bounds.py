"""What all formats share of the limits on a dump: names, labels and stacks that are longer than any real one.

What is too long costs itself, never the goroutine: names keep their beginning, stacks their inner frames, and a problem
says so. The numbers stand in sources/limits.py.
"""

from __future__ import annotations

import hashlib

from stackscan.sources import limits


def is_long(name: str | bytes) -> bool:
    """Whether a name is longer than the limit."""
    return len(name) > limits.MAX_NAME


def shortened(name: str | bytes) -> str:
    """The beginning of a name that is too long, and a digest: two long names that differ stay two."""
    raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    digest = hashlib.blake2b(raw, digest_size=6).hexdigest()
    kept = raw[: limits.MAX_NAME - len(digest) - 3].decode("utf-8", "ignore")
    return f"{kept}…{digest}"


def long_name(length: int) -> str:
    """What a problem says of a name that was shortened."""
    return f"a name of {length:,} bytes; only its beginning is kept (limit {limits.MAX_NAME >> 10} KiB)"


def too_deep() -> str:
    """What a problem says of a stack whose outer frames were left out."""
    return f"a stack of more than {limits.MAX_FRAMES:,} frames; the outer ones are skipped"


def are_long(labels: str | None) -> bool:
    """Whether labels, as Go 1.27 prints them, are longer than the limit."""
    return labels is not None and len(labels) > limits.MAX_LABEL_BYTES


def long_labels(length: int) -> str:
    """What a problem says of labels that were left out."""
    return f"labels of {length:,} bytes; skipped"
