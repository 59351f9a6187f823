"""A kubo node with watched mutexes under load, on loopback only: the lab's node and peers, healthy.

    python -m benchmarks.holders.kubo FOLDER [--kubo v0.41.0] [--captures 6] [--interval 4] [--cache FOLDER]

Run from the repository's folder. Builds the release (some minutes, with the Go module proxy), starts it with an
isolated repository, connects 16 honest peers that fetch blocks, adds files meanwhile, and writes dumps with tables into
FOLDER. Compare them with

    python -m benchmarks.holders saved FOLDER
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.holders.instrument import build, write_overlay
from benchmarks.holders.truth import moments

_LAB: Final = Path(__file__).resolve().parents[2] / "fixtures" / "lab"
_DUMP: Final = "/debug/pprof/goroutine?debug=2"


def main() -> int:
    """Build, run, capture."""
    sys.path.insert(0, str(_LAB))
    from labkit.builds import build_kubo, build_peers
    from labkit.node import Node
    from labkit.plan import Plan
    from labkit.swarm import READY_SECONDS, Swarm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kubo", default="v0.41.0", help="a release that Go 1.26 builds [v0.41.0]")
    parser.add_argument("--captures", type=int, default=6)
    parser.add_argument("--interval", type=float, default=4.0, help="seconds between two")
    parser.add_argument("--cache", type=Path, help="folder of built programs [a new one, removed]")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as new:
        cache = (chosen.cache or Path(new)).resolve()
        watched = cache / f"kubo-{chosen.kubo}-watched"
        if not watched.exists():
            module = build_kubo(cache, chosen.kubo, None).parent  # writes the go.mod with kubo's own replacements
            build("github.com/ipfs/kubo/cmd/ipfs", module, watched, write_overlay(cache))
        plan = replace(Plan("holders", chosen.kubo, transport="both"), peers=16, silent_fraction=0.0, rate=10.0)
        with Node(watched, plan.workers) as node:
            cids = cache / "cids"
            cids.write_text("\n".join(node.put_blocks(plan.blocks, plan.block_size, plan.seed)) + "\n", "utf-8")
            with Swarm(build_peers(cache), plan, node.addresses(), cids) as swarm:
                swarm.wait_for("ready", READY_SECONDS)
                swarm.tell("start")
                _capture(node, chosen.captures, chosen.interval, chosen.folder)
    return 0


def _capture(node: object, captures: int, interval: float, folder: Path) -> None:
    """Take dumps while files are added."""
    done = threading.Event()

    def add() -> None:
        seed = 1000
        while not done.is_set():
            node.put_blocks(20, 200_000, seed)  # type: ignore[attr-defined]
            seed += 1

    adding = threading.Thread(target=add)
    adding.start()
    try:
        for number in range(captures):
            time.sleep(interval)
            printed = node.get(_DUMP).decode("utf-8", "replace")  # type: ignore[attr-defined]
            for moment in moments(printed):
                print(moment.save(folder, f"kubo-{number}"), len(moment.locks), "locks", flush=True)
    finally:
        done.set()
        adding.join()


if __name__ == "__main__":
    sys.exit(main())
