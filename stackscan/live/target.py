"""A live process: its address, and where its profiles are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from stackscan.errors import SourceError, UsageError
from stackscan.sources import Source, network
from stackscan.sources.address import Address

#: What of a process is asked: counts as protobuf (no states, cheap for the process), counts as text, or the full text,
#: for which Go stops the world and prints each goroutine.
Depth = Literal["profile", "counts", "full"]
#: Profiles beside the goroutines.
Other = Literal["mutex", "block", "goroutineleak"]

_DEBUG: Final[dict[Depth, str]] = {"profile": "0", "counts": "1", "full": "2"}
_PPROF: Final = "/debug/pprof"
#: The part of a path that names a profile, or the list of them.
_PROFILE: Final = re.compile(r"(?P<folder>.*/pprof)(?:/[\w.-]*)?\Z")
#: Paths of kubo that show the same as the profiles: its RPC, its dump without a limit.
_KUBO: Final = re.compile(r"/(?:api/v0(?:/.*)?|debug/stack)\Z")
#: Where kubo serves its metrics.
_METRICS: Final = "/debug/metrics/prometheus"


@dataclass(frozen=True, slots=True)
class Target:
    """A process that serves net/http/pprof. Its text is masked."""

    given: Source
    timeout_seconds: float | None = None

    def __str__(self) -> str:
        return str(self.given)

    @classmethod
    def parse(cls, text: str, timeout_seconds: float | None = None) -> Target:
        """The process at an address: of a host, of its ``/debug/pprof``, of one of its profiles, or kubo's API.

        Raises UsageError for anything else, SourceError where the network is forbidden.
        """
        given = Source(text)
        if not given.is_url:
            raise UsageError(
                f"{given} is not the address of a process",
                hint="Give http://HOST:PORT of a program with net/http/pprof, or of kubo's API.",
            )
        network.check(given)
        try:
            Address.parse(given.with_secrets())
        except SourceError as error:  # before it is asked again and again
            raise UsageError(str(error), hint=error.hint) from None
        return cls(given, timeout_seconds)

    def goroutines(self, depth: Depth) -> Source:
        """The address of its goroutines."""
        return self._profile("goroutine", _DEBUG[depth])

    def other(self, kind: Other) -> Source:
        """The address of another profile."""
        return self._profile(kind, "1" if kind == "goroutineleak" else "0")

    def metrics(self) -> Source:
        """The address of the metrics that kubo serves."""
        parts = urlsplit(self.given.with_secrets())
        return self._source(urlunsplit((parts.scheme, parts.netloc, _METRICS, "", "")))

    def _profile(self, name: str, debug: str) -> Source:
        parts = urlsplit(self.given.with_secrets())
        known = _PROFILE.match(parts.path)
        plain = parts.path in ("", "/") or _KUBO.match(parts.path) is not None
        folder = known["folder"] if known else _PPROF if plain else parts.path.rstrip("/")
        query = "&".join(part for part in parts.query.split("&") if part and not part.startswith(("debug=", "gc=")))
        query = "&".join(filter(None, (query, urlencode({"debug": debug}))))
        return self._source(urlunsplit((parts.scheme, parts.netloc, f"{folder}/{name}", query, "")))

    def _source(self, url: str) -> Source:
        return Source(url, timeout_seconds=self.timeout_seconds)
