"""Host, service, version and time of a capture: from the pattern of its path, its labels, the metadata of its object,
its bundle, its names.

Each is taken from the first that knows it. What none knows is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from stackscan.fleet.pattern import Origin, Pattern
from stackscan.formats.labels import read_labels
from stackscan.model.capture import Capture
from stackscan.sources.times import captured_at, stamp

#: Labels whose meaning is defined (OpenTelemetry's conventions for resources). Others, such as ``host``, may be about
#: a request.
_LABELS: Final = {
    "service": ("service.name",),
    "host": ("host.name", "k8s.pod.name", "service.instance.id"),
    "version": ("service.version",),
}
_KNOWN: Final = frozenset(name for names in _LABELS.values() for name in names)
#: The folder of a node in a cockroach debug zip: ``debug/nodes/1/stacks.txt``.
_NODE: Final = re.compile(r"(?:\A|/)nodes/(\d{1,9})/(?:stacks|stacks_with_labels)\.txt\Z", re.ASCII)


def of_path(pattern: Pattern | None, below: str, member: str | None, source: str) -> Origin | None:
    """What the path of a capture says by the pattern; None where it does not match, or there is none.

    The path is that below the source; of a member of an archive, also that of the archive. Where the source is the file
    itself, or a bundle, it has no path below it: then the last parts of its name are matched, as many as the
    pattern has.
    """
    if pattern is None:
        return None
    parts = source.replace("\\", "/").split("/")
    own = "" if below else "/".join(parts[-pattern.parts :])
    tried = (
        pattern.read(path) for path in dict.fromkeys(("/".join(filter(None, (below, member))), below, own)) if path
    )
    return next((found for found in tried if found is not None), None)


def of_metadata(metadata: Iterable[tuple[str, str]]) -> Origin:
    """What the metadata of an object say; a time is as in a name."""
    known = dict(metadata)
    time = known.get("time")
    return Origin(known.get("service"), known.get("host"), known.get("version"), None if time is None else stamp(time))


def of_capture(capture: Capture, given: Origin | None, stored: Origin, node: str | None) -> Origin:
    """The origin of a capture; ``given`` is what its path says, ``stored`` what its object's metadata do, ``node`` the
    node of a debug zip."""
    place, taken = capture.place, capture.taken
    found = (given or Origin()).completed(_of_labels(capture)).completed(stored).completed(Origin(host=node))
    if found.host is None or found.version is None:
        found = found.completed(Origin(host=taken.host or place.stream or None, version=capture.release))
    if found.time is None:
        found = found.completed(Origin(time=captured_at(place.source, place.member) or taken.captured_at))
    return found


def node_of(path: str) -> str | None:
    """The node that wrote a member of a debug zip, as cockroach names it: ``n1``."""
    found = _NODE.search(path)
    return None if found is None else f"n{found[1]}"


def _of_labels(capture: Capture) -> Origin:
    """What the labels of goroutines say, where all that say it agree."""
    texts = {text for text in capture.snapshot.column("labels") if text}
    pairs = {pair for text in texts if any(name in text for name in _KNOWN) for pair in read_labels(text)}
    service, host, version = (_agreed(pairs, _LABELS[name]) for name in ("service", "host", "version"))
    return Origin(service, host, version)


def _agreed(pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> str | None:
    for name in names:
        values = {value for key, value in pairs if key == name and value}
        if len(values) == 1:
            return values.pop()
    return None
