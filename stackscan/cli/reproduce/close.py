"""``stackscan reproduce close``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from stackscan.cli.options.output import Format
from stackscan.cli.options.reproduce import lasting, stoppable

Peer = Literal["silent", "answering", "half-silent", "closing", "resetting", "refusing", "slow", "all"]


def command(
    peer: Annotated[
        Peer, typer.Option("--peer", help="What the peer does; all: one of each, with and without a read deadline.")
    ] = "silent",
    read_deadline: Annotated[
        float | None, lasting(default="none; with --peer all 2s", tells="Set just before Close.")
    ] = None,
    cap: Annotated[float, lasting(default="10s", tells="Stop watching after this time; at most 1 h.")] = 10.0,
    answer_after: Annotated[float, lasting(default="500ms", tells="When a slow peer answers.")] = 0.5,
    output_format: Format = "text",
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
        from stackscan.cli.reproduce.watching import watching
        from stackscan.cli.terminal.output import written
        from stackscan.render import rendering
        from stackscan.reproduce.close import Case, every_kind, run_closes
        from stackscan.reproduce.peers import Kind

        shown = rendering("reproduce", output_format)  # loaded now, so that a stopped run is shown at once
        cases = (
            every_kind(2.0 if read_deadline is None else read_deadline)
            if peer == "all"
            else (Case(Kind(peer), read_deadline),)
        )
        with watching(cap) as display:
            result = run_closes(
                cases, cap_seconds=cap, answer_after_seconds=answer_after, interrupt=interrupt, progress=display
            )
        with written(None) as out:
            shown.render_close(result, out)
