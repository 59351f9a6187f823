"""The report as one JSON object, for scripts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TextIO

from stackscan.render.json.write import text, write
from stackscan.render.pieces import Piece, Screen, Spool
from stackscan.report import Report, as_json

#: Between two members of a list inside the object.
_BETWEEN: Final = ",\n  "


def render(report: Report, out: TextIO) -> None:
    """Write the whole report."""
    write(as_json(report), out)


def piece(report: Report, _: Screen) -> Piece:
    """The members of the lists that one input adds."""
    values = as_json(report)
    return Piece(*(_BETWEEN.join(text(each, indent=2) for each in values[name]) for name in ("snapshots", "bundles")))


def assemble(kept: Spool, out: TextIO) -> None:
    """Write the whole report, the same as at once."""
    head, _, _ = text({**as_json(Report(())), "snapshots": [0]}).partition("0\n ]")
    out.write(head)
    _write_list(kept.captures(), out)
    first = next(kept.bundles(), None)
    if first is None:
        out.write('\n ],\n "bundle": null,\n "bundles": []\n}\n')
        return
    out.write('\n ],\n "bundle": ')
    out.write(first.replace("\n ", "\n"))
    out.write(',\n "bundles": [\n  ')
    _write_list(kept.bundles(), out)
    out.write("\n ]\n}\n")


def _write_list(members: Iterable[str], out: TextIO) -> None:
    for place, each in enumerate(members):
        out.write(_BETWEEN if place else "")
        out.write(each)
