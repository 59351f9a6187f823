"""Alerts for Alertmanager: told anew while they stand, ended when they are gone, or when nobody tells them any more."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from stackscan.live.hooks.bodies import alerts_of, ending
from stackscan.live.hooks.courier import Parcel

if TYPE_CHECKING:
    from stackscan.live.watch import News

#: Alertmanager forgets what is not told again; Prometheus tells it each minute, and lets it end after four.
AGAIN_SECONDS: Final = 60.0
_LASTING: Final = timedelta(seconds=4 * AGAIN_SECONDS)

_Alerts = Mapping[tuple[str, ...], Mapping[str, Any]]


@dataclass
class Alerts:
    """The alerts that stand, by process."""

    _standing: dict[str, _Alerts] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def parcel(self, news: News) -> Parcel | None:
        """What is to be told of a request: the alerts that stand with the process, and those that ended."""
        target, now = str(news.history.target), alerts_of(news.history)
        with self._lock:
            before = self._standing.get(target, {})
            if now:
                self._standing[target] = now
            else:
                self._standing.pop(target, None)
        if now.keys() == before.keys():
            return None
        at = datetime.now(UTC)
        ended = [ending(before[key], at) for key in before if key not in now]
        return Parcel(target, [*_lasting(now, at), *ended])

    def again(self) -> Parcel | None:
        """All alerts that stand."""
        with self._lock:
            every = list(self._standing.values())
        at = datetime.now(UTC)
        return Parcel("", [alert for each in every for alert in _lasting(each, at)]) if every else None


def _lasting(alerts: _Alerts, at: datetime) -> list[dict[str, Any]]:
    return [ending(alert, at + _LASTING) for alert in alerts.values()]
