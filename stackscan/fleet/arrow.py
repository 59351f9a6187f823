"""Files as Arrow batches → rows as Arrow batches, as Spark's ``mapInArrow`` and Ray Data's ``map_batches`` want it.

pyarrow is no dependency of stackscan: engines that call this have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from stackscan.fleet.rows import rows

if TYPE_CHECKING:
    import pyarrow as pa


@cache
def schema() -> pa.Schema:
    """The columns of rows, as ``stackscan.fleet.rows.rows`` makes them."""
    import pyarrow as pa

    text, number, yes = pa.string(), pa.int64(), pa.bool_()
    seen = {"rule": text, "cause": text, "severity": text, "title": text, "fix": text, "place": text}
    seen |= {"location": text, "count": number, "packages": pa.list_(text)}
    spot = {"function": text, "created_by": text, "wait_reason": text, "location": text, "count": number}
    spot |= {"minutes": number, "idle": yes, "caught": yes, "packages": pa.list_(text)}
    pool = {"pool": text, "workers": number, "busy": number, "known": yes}

    def many(fields: dict[str, Any]) -> Any:
        return pa.list_(pa.struct(list(fields.items())))

    named = {"service": text, "host": text, "version": text, "time": pa.timestamp("us", tz="UTC"), "where": text}
    named |= {"reason": text, "other": yes, "digest": pa.binary(), "format": text, "goroutines": number}
    named |= {"complete": yes, "leak_profile": yes, "seconds": pa.float64()}
    named |= {"seen": many(seen), "spots": many(spot), "crowds": many(spot), "pools": many(pool)}
    return pa.schema(list(named.items()))


def in_arrow(
    batches: Iterable[pa.RecordBatch], *, path: str = "path", content: str = "content", **options: Any
) -> Iterator[pa.RecordBatch]:
    """The rows of the files in each batch, one batch for one. The columns ``path`` and ``content`` hold the name and
    the bytes of a file; ``options`` are those of ``rows``."""
    import pyarrow as pa

    for batch in batches:
        names, contents = batch.column(path), batch.column(content)
        found: list[dict[str, Any]] = []
        for name, data in zip(names, contents, strict=True):  # one file at a time as Python's bytes
            found += rows(name.as_py(), data.as_py() or b"", **options)
        yield pa.RecordBatch.from_pylist(found, schema=schema())
