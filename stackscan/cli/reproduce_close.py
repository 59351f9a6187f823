"""``stackscan reproduce close``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from stackscan.cli.reproduce import Format, Output, lasting, stoppable, write_json


class Peer(StrEnum):
    """What to close to."""

    silent = "silent"
    answering = "answering"
    half_silent = "half-silent"
    closing = "closing"
    resetting = "resetting"
    refusing = "refusing"
    slow = "slow"
    all = "all"


def command(
    peer: Annotated[
        Peer, typer.Option("--peer", help="What the peer does; all: one of each, with and without a read deadline.")
    ] = Peer.silent,
    read_deadline: Annotated[
        float | None, lasting(default="none; with --peer all 2s", tells="Set just before Close.")
    ] = None,
    cap: Annotated[float, lasting(default="10s", tells="Stop watching after this time; at most 1 h.")] = 10.0,
    answer_after: Annotated[float, lasting(default="500ms", tells="When a slow peer answers.")] = 0.5,
    output_format: Format = Output.text,
) -> None:
    """Show how long Close lasts on a lazily negotiated stream, by what the peer does.

    The client writes the multistream tokens and seven bytes in one write (48 bytes), sets the read deadline, and
    closes. Close first reads the peer's answer to the tokens, as in go-multistream v0.6.0 and later: a silent peer
    never sends one. The table also tells who reads: the worker in Close, or the companion that the first write started.

    Ctrl-C stops within a second, prints what had happened until then, and leaves with exit code 130.

    \b
      stackscan reproduce close                      silent: open at the cap
      stackscan reproduce close --read-deadline 2s   returns after 2 s
      stackscan reproduce close --peer all --cap 3s --format json
    """
    with stoppable() as interrupt:
        from stackscan.cli.output import written
        from stackscan.cli.watching import watching
        from stackscan.reproducer.close import Case, every_kind, run_closes
        from stackscan.reproducer.peers import Kind
        from stackscan.reproducer.serialise import close_values

        if output_format is Output.text:  # loaded beforehand: whoever stops a run wants the answer now
            from stackscan.reproducer import text

        cases = (
            every_kind(2.0 if read_deadline is None else read_deadline)
            if peer is Peer.all
            else (Case(Kind(peer.value), read_deadline),)
        )
        with watching(cap) as told:
            result = run_closes(
                cases, cap_seconds=cap, answer_after_seconds=answer_after, interrupt=interrupt, told=told
            )
        with written(None) as out:
            if output_format is Output.json:
                write_json(close_values(result), out)
            else:
                text.render_close(result, out)
