"""Exports the metrics of watched processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from stackscan.integrations.openmetrics.histories import Histories
from stackscan.integrations.openmetrics.server import MetricsServer, listen
from stackscan.integrations.openmetrics.textfile import TextFile
from stackscan.render.openmetrics.families import exposition

if TYPE_CHECKING:
    from stackscan.live.history import History
    from stackscan.live.watch import Watch

#: A text file is written this often at most: node_exporter is asked every 15 s or so.
_LEAST_SECONDS: Final = 1.0


class Exporter:
    """Exports what is known of the processes of a watch. Nothing is exported before :meth:`serve` or :meth:`write`;
    both go on until :meth:`close`."""

    def __init__(self, watch: Watch) -> None:
        self._histories: Sequence[History] = [watcher.history for watcher in watch.watchers]
        self._interval_seconds = watch.settings.interval_seconds
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Histories(self._histories))
        ProcessCollector(registry=self._registry)
        self._server: MetricsServer | None = None
        self._file: TextFile | None = None

    def serve(self, address: str) -> str:
        """Serve /metrics at ``HOST:PORT``; its URL. Raises UsageError where that cannot be."""
        self._server = listen(address, self.page)
        host = address.rpartition(":")[0]
        return f"http://{host}:{self._server.server_port}/metrics"

    def write(self, path: Path) -> None:
        """Keep a text file for node_exporter up to date. Raises OutputError where it cannot be written now."""
        every = max(_LEAST_SECONDS, self._interval_seconds)
        self._file = TextFile(path, self.text, every_seconds=every)

    @property
    def failure(self) -> str | None:
        """Why the text file could not be written the last time (None: it could, or there is none)."""
        return None if self._file is None else self._file.failure

    def page(self, is_openmetrics: bool) -> tuple[str, bytes]:
        """Type and bytes of /metrics: with the memory and processor time of this program."""
        if is_openmetrics:
            return CONTENT_TYPE_LATEST, exposition(self._registry).encode()
        return CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry)

    def text(self) -> str:
        """The text file: node_exporter shows its memory under the same names."""
        return generate_latest(Histories(self._histories, ages=False)).decode()

    def close(self) -> None:
        """Stop serving, and write the text file for the last time."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._file is not None:
            self._file.close()
