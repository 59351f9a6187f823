"""The one door to Delta Lake: opens, creates, appends, deletes, compacts, and says what went wrong in plain words.

A commit is a file of the table's log that only one writer can create; another writer who comes second tries again. On
disk that is a hard link, in object storage a conditional PUT.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from stackscan.errors import MissingExtraError, StoreError
from stackscan.fleet.store.slices import ROWS
from stackscan.sources.address import Source
from stackscan.sources.objects.address import ObjectAddress
from stackscan.sources.objects.failures import reason_of

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable, WriterProperties

Made = TypeVar("Made")
#: Attempts of a commit that other writers get in the way of; deltalake makes fifteen in each.
_ATTEMPTS: Final = 8
_FIRST_WAIT_SECONDS: Final = 0.1
#: For so long files stay that no version names: a writer may be about to commit them.
_UNCOMMITTED_HOURS: Final = 24
#: Kinds of object storage that put an object only where there is none, when asked to.
_S3: Final = ("s3://", "s3a://")
_CONDITIONAL: Final = {"conditional_put": "etag"}
_COMPRESSION_LEVEL, _COMPACT_LEVEL = 3, 12
#: The variable that says what the library writes to stderr.
_LOG: Final = "RUST_LOG"
#: What it writes before each cause of an error, in colours.
_ARROW: Final = re.compile(r"\s*(?:\x1b\[\d+m)?↳(?:\x1b\[\d+m)?\s*")


@dataclass(frozen=True, slots=True)
class Size:
    """Files that are part of a table now, and their bytes; without its log."""

    files: int
    bytes: int

    def __add__(self, other: Size) -> Size:
        return Size(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Table:
    """One Delta table; the credentials of object storage are in the environment."""

    url: str

    @property
    def options(self) -> dict[str, str]:
        """What deltalake is told about the storage."""
        return dict(_CONDITIONAL) if self.url.startswith(_S3) else {}

    def exists(self) -> bool:
        """Whether there is a table."""
        deltalake = _deltalake()
        with _plainly(self.url):
            return bool(deltalake.DeltaTable.is_deltatable(self.url, storage_options=self.options))

    def open(self) -> DeltaTable:
        """The table as it is now; later commits do not change it."""
        deltalake = _deltalake()
        with _plainly(self.url):
            return deltalake.DeltaTable(self.url, storage_options=self.options)  # type: ignore[no-any-return]

    def create(self, schema: pl.Schema, settings: Mapping[str, str]) -> None:
        """Make an empty table, unless there is one: another writer may make it at the same time."""
        from deltalake.exceptions import DeltaError

        with _plainly(self.url):
            try:
                _deltalake().DeltaTable.create(
                    self.url,
                    schema=schema,
                    mode="ignore",
                    configuration=settings,
                    storage_options=self.options,
                    raise_if_key_not_exists=False,
                )
            except DeltaError:
                if not self.exists():
                    raise

    def settings(self) -> dict[str, str]:
        """What the table was made with."""
        with _plainly(self.url):
            return dict(self.open().metadata().configuration)

    def append(self, make: Callable[[], pl.DataFrame]) -> None:
        """Add the rows that ``make`` makes, all or none. It is called for each attempt."""

        def attempt() -> None:
            _deltalake().write_deltalake(
                self.url,
                make(),
                mode="append",
                storage_options=self.options,
                writer_properties=_properties(_COMPRESSION_LEVEL),
            )

        self.retried(attempt)

    def delete(self, condition: str) -> int:
        """Delete rows; how many."""

        def attempt() -> int:
            done = self.open().delete(condition, writer_properties=_properties(_COMPACT_LEVEL))
            return int(done["num_deleted_rows"])

        return self.retried(attempt)

    def compact(self) -> None:
        """Make few large files of many small ones. Readers and writers may be at work."""
        self.retried(lambda: self.open().optimize.compact(writer_properties=_properties(_COMPACT_LEVEL)))

    def overwrite(self, rows: pl.DataFrame, was: DeltaTable) -> None:
        """Put these rows in the place of those of ``was``, within :meth:`retried`."""
        _deltalake().write_deltalake(was, rows, mode="overwrite", writer_properties=_properties(_COMPACT_LEVEL))

    def vacuum(self, hours: int) -> None:
        """Remove files that no version of the last ``hours`` uses, and those that no version names at all."""
        with _plainly(self.url):
            table = self.open()
            for least, full in ((hours, False), (max(hours, _UNCOMMITTED_HOURS), True)):
                table.vacuum(retention_hours=least, dry_run=False, enforce_retention_duration=False, full=full)
            table.create_checkpoint()
            table.cleanup_metadata()

    def size(self) -> Size:
        """How large the table is."""
        import polars as pl

        with _plainly(self.url):
            sizes = pl.DataFrame(self.open().get_add_actions(flatten=True))["size_bytes"]
        return Size(sizes.len(), int(sizes.sum()))

    def retried(self, attempt: Callable[[], Made]) -> Made:
        """What an attempt returns, once no other writer gets in its way."""
        from deltalake.exceptions import CommitFailedError

        wait = _FIRST_WAIT_SECONDS
        with _plainly(self.url):
            for _ in range(_ATTEMPTS - 1):
                try:
                    return attempt()
                except CommitFailedError:
                    time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
                    wait *= 2
            return attempt()


def _deltalake() -> Any:
    """The library. Raises MissingExtraError where it is not installed."""
    try:
        with _quiet():
            import deltalake
    except ImportError:
        raise MissingExtraError("a store", library="deltalake", extra="store") from None
    return deltalake


@contextmanager
def _quiet() -> Iterator[None]:
    """Within it, a library is imported that would write each attempt to find credentials to stderr; not where the user
    asks for that."""
    known = _LOG in os.environ
    os.environ.setdefault(_LOG, "error")
    try:
        yield
    finally:
        if not known:
            del os.environ[_LOG]


def _properties(level: int) -> WriterProperties:
    """How files are written; who reads a slice of a table need not read more groups of rows than have some of it."""
    properties: WriterProperties = _deltalake().WriterProperties(
        compression="ZSTD", compression_level=level, max_row_group_size=ROWS
    )
    return properties


@contextmanager
def _plainly(url: str) -> Iterator[None]:
    """Within it, what Delta Lake or the storage does not like is a StoreError."""
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError) as error:
        raise _failure(url, error) from error


def _failure(url: str, error: Exception) -> StoreError:
    """The error in plain words. The library's text has a line for each cause, and may hold what was sent."""
    text = str(error)
    if Source(url).is_object:
        found = reason_of(_ARROW.sub(": ", text), ObjectAddress.exact(Source(url)))
        if found is not None:
            return StoreError(f"{url}: {found[0]}", hint=found[1])
    reason = text.partition("\x1b")[0].strip().partition("\n")[0]
    return StoreError(f"{url}: {reason or type(error).__name__}")
