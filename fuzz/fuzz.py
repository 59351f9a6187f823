"""Fuzzes one reader, guided by coverage (atheris, libFuzzer): see docs/fuzzing.md.

    python fuzz/fuzz.py TARGET [--seconds N] [--runs N] [--plant] [LIBFUZZER_OPTION ...]
    python fuzz/fuzz.py TARGET --replay FILE ...

Starts from the fixtures, keeps every input that reaches new code in fuzz/corpus/TARGET, and writes what fails to
fuzz/found/. An input has 10 seconds and the process 2 GB of memory. Exit code: 0 nothing found, else something was.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, Self

import atheris

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE)]  # before our own are imported
with atheris.instrument_imports(include=["stackscan", "planted", "settings"]):
    import planted
    from stackscan.errors import StackscanError
    from stackscan.formats.goroutine_text import chunked
    from targets import TARGETS
import seeds  # noqa: E402

SECONDS_PER_INPUT: Final = 10
MEGABYTES: Final = 2048
LONGEST_INPUT: Final = 32768


class _Inline:
    """A pool of no threads: they cost more than reading a small input, and coverage is per thread."""

    def __init__(self, _: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, function: Any, items: Any) -> Any:
        """The results, one after the other."""
        return map(function, items)

    def submit(self, function: Any, *args: Any, **kwargs: Any) -> Future[Any]:
        """The result, already there."""
        done: Future[Any] = Future()
        done.set_result(function(*args, **kwargs))
        return done


def main() -> None:
    """Fuzz until the time or the runs are over, or something is found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=600, help="how long [600]")
    parser.add_argument("--runs", type=int, default=-1, help="how many inputs [no bound]")
    parser.add_argument("--plant", action="store_true", help="plant a bug, to see that it is found")
    parser.add_argument("--corpus", type=Path, help="where inputs are kept [fuzz/corpus/TARGET]")
    parser.add_argument("--found", type=Path, default=HERE / "found", help="where finds are written [fuzz/found]")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="run these inputs once instead")
    args, options = parser.parse_known_args()
    corpus = args.corpus or HERE / "corpus" / args.target
    seeds.write(args.target, corpus)
    args.found.mkdir(parents=True, exist_ok=True)
    words = args.found / "words.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in seeds.WORDS))
    chunked.ThreadPoolExecutor = _Inline  # type: ignore[misc,assignment]
    target = TARGETS[args.target]

    def one_input(data: bytes) -> None:
        try:
            names = target(data)
        except StackscanError:
            return
        if args.plant:
            planted.bite(names)

    libfuzzer = [
        sys.argv[0],
        f"-max_total_time={args.seconds}",
        f"-runs={args.runs}",
        f"-timeout={SECONDS_PER_INPUT}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={LONGEST_INPUT}",
        f"-dict={words}",
        f"-artifact_prefix={args.found / args.target}-",
        "-print_final_stats=1",
        *options,
        *map(str, args.replay or [corpus]),
    ]
    atheris.Setup(libfuzzer, one_input)
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word.encode("latin-1")
    )


if __name__ == "__main__":
    main()
