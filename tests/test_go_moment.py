"""What a goroutine holds by the frames of its stack: deferred calls, conditions, panics, literals on one line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from stackscan.analysis.causes.code import Code
from stackscan.analysis.causes.scene import Scene
from stackscan.analysis.locks import find_locks
from stackscan.formats.contents import read_source
from stackscan.golang.reader import Reader
from stackscan.golang.roots import Sources

_MAIN: Final = """package main

import "sync"

type acc struct {
	mu   sync.Mutex
	cond *sync.Cond
	kept sync.Cond
	n    int
}

func stay() { select {} }

func main() {
	a := &acc{}
	a.cond = sync.NewCond(&a.mu)
	a.f(0)
}

func (a *acc) report() { stay() } // line of report

func (a *acc) wait() { a.cond.Wait() } // line of wait

func (a *acc) waitHidden() { a.kept.Wait() } // line of hidden

func give(mu *sync.Mutex) { mu.Unlock(); stay() } // line of give

func with(l sync.Locker) { l.Lock(); stay() } // line of with

func both(first, second sync.Locker) { first.Lock(); stay(); second.Lock() } // line of both

var one, two sync.Mutex

func order() { both(&one, &two); both(&two, &one) }

"""
#: The method f, the innermost frames (a function, and the line that ends so), and the line of f, by its comment.
_CASES: Final[dict[str, tuple[str, tuple[tuple[str, str], ...], str]]] = {
    "a deferred call at a return, before the Unlock": (
        """
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.report()
	if n == 0 {
		return // here
	}
	a.n += n
""",
        (("main.stay", ""), ("main.(*acc).report", "report")),
        "acc.mu",
    ),
    "a deferred call at a return, behind the Unlock": (
        """
	a.mu.Lock()
	defer a.report()
	defer a.mu.Unlock()
	if n == 0 {
		return // here
	}
	a.n += n
""",
        (("main.stay", ""), ("main.(*acc).report", "report")),
        "",
    ),
    "a deferred literal at the end": (
        """
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() {
		stay() // line of literal
	}()
	a.n++
} // here
func (a *acc) g() {
""",
        (("main.stay", ""), ("main.(*acc).f.func1", "literal")),
        "acc.mu",
    ),
    "a panic runs what is deferred": (
        """
	a.mu.Lock()
	defer a.report()
	defer a.mu.Unlock()
	panic("x") // here
""",
        (("main.stay", ""), ("main.(*acc).report", "report"), ("panic", "")),
        "?acc.mu",
    ),
    "Cond.Wait in a helper gives back what its caller took": (
        """
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wait() // here
""",
        (("sync.(*Cond).Wait", ""), ("main.(*acc).wait", "wait")),
        "",
    ),
    "Cond.Wait of what is not known may give back anything": (
        """
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waitHidden() // here
""",
        (("sync.(*Cond).Wait", ""), ("main.(*acc).waitHidden", "hidden")),
        "?acc.mu",
    ),
    "Cond.Wait in another package may give back anything": (
        """
	a.mu.Lock()
	defer a.mu.Unlock()
	other.Wait(a.cond) // here
""",
        (("sync.(*Cond).Wait", ""), ("example.com/other.Wait", "")),
        "?acc.mu",
    ),
    "a helper gives back a lock that it is given": (
        """
	a.mu.Lock()
	give(&a.mu) // here
""",
        (("main.stay", ""), ("main.give", "give")),
        "",
    ),
    "a helper takes a lock that it is given": (
        """
	with(&a.mu) // here
""",
        (("main.stay", ""), ("main.with", "with")),
        "acc.mu",
    ),
    "a helper takes the one lock or the other": (
        """
	both(&two, &one) // here
""",
        (("main.stay", ""), ("main.both", "both")),
        "two",
    ),
    "a literal on one line": (
        """
	a.mu.Lock()
	run(func() { a.mu.Unlock() }) // here
""",
        (("main.run", ""),),
        "?acc.mu",
    ),
    "the last line of a literal that is called at once": (
        """
	func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		stay() // line of literal
	}() // here
""",
        (("main.stay", ""), ("main.(*acc).f.func1", "literal")),
        "acc.mu",
    ),
    "a statement without a call": (
        """
	a.mu.Lock()
	for n > 0 {
		n-- // here
	}
	a.mu.Unlock()
""",
        (),
        "acc.mu",
    ),
}


def _line(source: str, end: str) -> int:
    return next((at for at, line in enumerate(source.split("\n"), 1) if end and line.endswith(f"// {end}")), 1)


@pytest.mark.parametrize("name", _CASES)
def test_what_the_frames_hold(name: str, tmp_path: Path) -> None:
    """The locks of a goroutine; those that it may hold begin with a question mark."""
    body, inner, wanted = _CASES[name]
    source = f"{_MAIN}func (a *acc) f(n int) {{{body}}}\n"
    (tmp_path / "go.mod").write_text("module example.com/app\n")
    (tmp_path / "main.go").write_text(source)
    frames = [*((function, _line(source, f"line of {end}" if end else "")) for function, end in inner)]
    lines = [f"{function}(...)\n\t{_file(function)}:{line} +0x1d" for function, line in frames]
    lines += [f"main.(*acc).f(...)\n\texample.com/app/main.go:{_line(source, 'here')} +0x1d"]
    dump = tmp_path / "dump.txt"
    dump.write_text("goroutine 7 [select (no cases)]:\n" + "\n".join(lines) + "\n")
    snapshot = read_source(str(dump)).captures[0].snapshot
    reader = Reader(Sources((tmp_path,), environment={}, cwd=Path("/")))
    code = Code(Scene(snapshot, find_locks(snapshot), (), snapshot.stacks), reader)
    (wait,) = code.scene.waits
    found = sorted(f"{'' if held.must else '?'}{key[1]}" for key, held in code.held(wait).items())
    assert wanted == ", ".join(found)


def _file(function: str) -> str:
    if function in ("main.stay", "main.run") or not function.startswith("main."):
        return "example.com/other/other.go"
    return "example.com/app/main.go"
