"""What a Go package does with its channels, WaitGroups, conditions and contexts, read as a whole."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackscan.golang.package import build_package, function_at
from stackscan.golang.program import Program
from stackscan.golang.reach import Ahead, Reach
from stackscan.golang.tree import line_of, parse, walk
from stackscan.golang.unit import Unit, deferred_call
from stackscan.golang.values import Classes, Key


def _program(text: str, package: str = "main") -> Program:
    source = f"package {package}\n{text}"
    return Program(build_package([parse(source.encode())], ["x.go"]))


def _unit(program: Program, name: str) -> Unit:
    """The function of a name, or the first literal written in it: ``run``, ``run.func1``."""
    declared, _, literal = name.partition(".func")
    (unit,) = (each for each in program.units.values() if each.function.name == declared and not each.function.outer)
    return unit if not literal else program.units[unit.literals[int(literal) - 1].id]


def _key(program: Program, name: str) -> Key:
    """``run.ch``: a variable of a function; ``T.f``: a field; ``v``: a variable of the package."""
    scope, _, field = name.rpartition(".")
    if ".func" in scope:
        scope = _unit(program, scope).scope
    return (scope, field)


#: Go, and which names may stand for one object (or may not).
_SAME: Final = {
    "an argument is its parameter": (
        "func run() { a := make(chan int); use(a) }\nfunc use(b chan int) {}",
        "run.a use.b",
        True,
    ),
    "two channels stay two": (
        "func run() { a := make(chan int); b := make(chan int); use(a, b) }\nfunc use(x, y chan int) {}",
        "use.x use.y",
        False,
    ),
    "a variadic parameter holds what it gets": (
        "func run() { a := make(chan int); use(a) }\nfunc use(all ...chan int) { for _, b := range all { _ = b } }",
        "run.a use.b",
        True,
    ),
    "a list that is passed as it is": (
        "func run() { all := []chan int{make(chan int)}; use(all...) }\nfunc use(list ...chan int) {}",
        "run.all use.list",
        True,
    ),
    "a result": (
        "func run() { a := open() ; _ = a }\nfunc open() chan int { c := make(chan int); return c }",
        "run.a open.c",
        True,
    ),
    "the second result": (
        "func run() { _, a := open(); _ = a }\nfunc open() (int, chan int) { c := make(chan int); return 1, c }",
        "run.a open.c",
        True,
    ),
    "a field of a literal": (
        "type T struct{ ch chan int }\nfunc run() { a := make(chan int); t := &T{ch: a}; _ = t }",
        "run.a T.ch",
        True,
    ),
    "a literal without names": (
        "type T struct{ n int; ch chan int }\nfunc run() { a := make(chan int); t := T{1, a}; _ = t }",
        "run.a T.ch",
        True,
    ),
    "what a channel carries": (
        "func run() { a := make(chan int); all := make(chan chan int, 1); all <- a; b := <-all; _ = b }",
        "run.a run.b",
        True,
    ),
    "what a map holds": (
        'func run() { a := make(chan int); m := map[string]chan int{}; m["x"] = a; for _, b := range m { _ = b } }',
        "run.a run.b",
        True,
    ),
    "what a list holds": (
        "func run() { a := make(chan int); all := append([]chan int{}, a); b := all[0]; _ = b }",
        "run.a run.b",
        True,
    ),
    "a captured variable": (
        "func run() { a := make(chan int); go func() { b := a; _ = b }() }",
        "run.a run.func1.b",
        True,
    ),
    "a shadowed variable is another one": (
        "func run() { a := make(chan int); go func() { a := make(chan int); _ = a }(); _ = a }",
        "run.a run.func1.a",
        False,
    ),
    "a function value that is called": (
        "func run() { a := make(chan int); f := use; f(a) }\nfunc use(b chan int) {}",
        "run.a use.b",
        True,
    ),
    "a method through an interface": (
        (
            "type I interface{ Use(chan int) }\n"
            "type T struct{}\n"
            "func (T) Use(b chan int) {}\n"
            "func run(i I) { a := make(chan int); i.Use(a) }"
        ),
        "run.a T.Use.b",
        True,
    ),
    "a conversion": (
        "type out chan<- int\nfunc run() { a := make(chan int); b := out(a); _ = b }",
        "run.a run.b",
        True,
    ),
    "an assertion": (
        "func run(x any) { a := make(chan int); x = a; b := x.(chan int); _ = b }",
        "run.a run.b",
        True,
    ),
}


@pytest.mark.parametrize("case", _SAME)
def test_names_of_one_object(case: str) -> None:
    """What is assigned, passed, returned, stored or sent is one object; two objects stay two."""
    text, names, same = _SAME[case]
    program = _program(text)
    one, other = (program.classes.find(_key(program, name)) for name in names.split())
    assert same is (one == other)


#: Go, a name, and whether code of others may have its object.
_ESCAPES: Final = {
    "a local channel does not": (
        "func run() { a := make(chan int); a <- 1 }",
        "main",
        "run.a",
        False,
    ),
    "an argument of another package's function": (
        'import "os/signal"\nfunc run() { a := make(chan int); signal.Notify(a) }',
        "main",
        "run.a",
        True,
    ),
    "printing keeps nothing": (
        'import "fmt"\nfunc run() { a := make(chan int); fmt.Println(a) }',
        "main",
        "run.a",
        False,
    ),
    "an exported function's result": (
        "func Open() chan int { a := make(chan int); return a }",
        "store",
        "Open.a",
        True,
    ),
    "of a program nobody imports the result": (
        "func Open() chan int { a := make(chan int); return a }",
        "main",
        "Open.a",
        False,
    ),
    "an exported field": (
        "type T struct{ C chan int }\nfunc run() { t := &T{C: make(chan int)}; _ = t }",
        "store",
        "T.C",
        True,
    ),
    "a hidden field": (
        "type T struct{ c chan int }\nfunc run() { t := &T{c: make(chan int)}; _ = t }",
        "store",
        "T.c",
        False,
    ),
    "a method that is named like a builtin": (
        "type I interface{ copy(chan int) }\nfunc run(i I) { a := make(chan int); i.copy(a) }",
        "main",
        "run.a",
        True,
    ),
    "Done as a value": (
        'import ("sync"; "time")\nfunc run() { var wg sync.WaitGroup; time.AfterFunc(1, wg.Done); wg.Wait() }',
        "main",
        "run.wg",
        True,
    ),
    "Done that is called": (
        'import "sync"\nfunc run() { var wg sync.WaitGroup; go func() { wg.Done() }(); wg.Wait() }',
        "main",
        "run.wg",
        False,
    ),
    "WaitGroup.Go of a function value": (
        'import "sync"\nfunc run(f func()) { var wg sync.WaitGroup; wg.Go(f); wg.Wait() }',
        "main",
        "run.wg",
        True,
    ),
}


@pytest.mark.parametrize("case", _ESCAPES)
def test_what_others_may_have(case: str) -> None:
    """Whatever leaves the package's sight may be served by anybody."""
    text, package, name, escapes = _ESCAPES[case]
    program = _program(text, package)
    assert escapes is program.escapes(_key(program, name))


#: Go with a line that says where a goroutine is (``// here``), and what it may do after it.
_AHEAD: Final = {
    "what follows": (
        "func run(a, b chan int) {\n\t<-a // here\n\tb <- 1\n\tclose(b)\n}",
        "close send",
    ),
    "what is behind it": (
        "func run(a, b chan int) {\n\tb <- 1\n\t<-a // here\n}",
        "",
    ),
    "the loop around it": (
        "func run(a, b chan int) {\n\tfor {\n\t\tb <- 1\n\t\t<-a // here\n\t}\n}",
        "receive send",
    ),
    "the other branch is not taken": (
        "func run(a, b chan int, ok bool) {\n\tif ok {\n\t\t<-a // here\n\t} else {\n\t\tclose(b)\n\t}\n}",
        "",
    ),
    "a condition decides": (
        "func run(a, b chan int) {\n\tif <-a == 1 { // here\n\t\tclose(b)\n\t} else {\n\t\tb <- 1\n\t}\n}",
        "close send",
    ),
    "deferred calls": (
        "func run(a, b chan int) {\n\tdefer close(b)\n\t<-a // here\n}",
        "close",
    ),
    "the case of a select": (
        "func run(a, b chan int) {\n\tselect { // here\n\tcase <-a:\n\t\tclose(b)\n\t}\n}",
        "close",
    ),
    "another case of a select is not": (
        (
            "func run(a, b chan int) {\n"
            "\tselect {\n"
            "\tcase <-a:\n"
            "\t\tf() // here\n"
            "\tcase <-b:\n"
            "\t\tclose(b)\n"
            "\t}\n"
            "}\n"
            "func f() {}"
        ),
        "",
    ),
    "a function that is called": (
        "func run(a, b chan int) {\n\t<-a // here\n\tg(b)\n}\nfunc g(b chan int) { close(b) }",
        "close",
    ),
    "a goroutine that is started": (
        "func run(a, b chan int) {\n\t<-a // here\n\tgo func() { close(b) }()\n}",
        "close",
    ),
    "a function value": (
        "func run(a, b chan int) {\n\tf := func() { close(b) }\n\t<-a // here\n\tf()\n}",
        "call close",
    ),
    "a literal that was made before and is not called": (
        "func run(a, b chan int) {\n\t_ = func() { close(b) }\n\t<-a // here\n}",
        "",
    ),
    "a jump may go anywhere": (
        "func run(a, b chan int) {\nagain:\n\tclose(b)\n\t<-a // here\n\tgoto again\n}",
        "close receive",
    ),
    "WaitGroup.Go ends with Done": (
        'import "sync"\nfunc run(a chan int) {\n\tvar wg sync.WaitGroup\n\twg.Go(func() {\n\t\t<-a // here\n\t})\n}',
        "done",
    ),
}


@pytest.mark.parametrize("case", _AHEAD)
def test_what_may_come_after_a_line(case: str) -> None:
    """From the line of a goroutine: all that may run, and nothing that cannot."""
    text, expected = _AHEAD[case]
    program = _program(text)
    source = f"package main\n{text}"
    line = next(n for n, each in enumerate(source.split("\n"), start=1) if "// here" in each)
    root = program.package.files[0][0]
    function = function_at(root, line)
    assert function is not None
    unit = program.units[function.node.id]
    kinds = ("unary_expression", "send_statement", "select_statement", "call_expression")
    nodes = [node for node in walk(unit.function.body) if line_of(node) == line and node.type in kinds][:1]
    found = Ahead()
    Reach({"main": program}).after("main", unit, nodes, found)
    whole = [site for number in found.units.get("main", ()) for site in program.units[number].sites]
    assert expected == " ".join(sorted({site.deed for site in [*whole, *(site for _, site in found.sites)]}))


def test_a_deferred_call_that_runs() -> None:
    """Those deferred before it come after it, and those behind it have run."""
    program = _program(
        "func run(a, b, c chan int) {\n\tdefer close(a)\n\tdefer wait(b)\n\tdefer close(c)\n}\n"
        "func wait(b chan int) { <-b }"
    )
    unit = _unit(program, "run")
    call = deferred_call(unit, "wait", [])
    assert call is not None
    found = Ahead()
    Reach({"main": program}).after_defer("main", unit, call, found)
    assert [("close", 3)] == [(site.deed, site.line) for _, site in found.sites]


def test_functions_that_only_the_runtime_calls() -> None:
    """A timer's function is on no stack until it runs."""
    program = _program('import "time"\nfunc run(a chan int) { time.AfterFunc(1, func() { close(a) }) }')
    assert {_unit(program, "run.func1").number} == program.by_runtime


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_classes_are_what_joins_make_them(pairs: list[tuple[int, int]]) -> None:
    """Two names are in one class if and only if a chain of joins leads from one to the other; so are their elements."""
    classes = Classes()
    groups = [{number} for number in range(13)]
    for number in range(13):
        classes.element(("f", str(number)))
    for one, other in pairs:
        classes.join(("f", str(one)), ("f", str(other)))
        merged = groups[one] | groups[other]
        for number in merged:
            groups[number] = merged
    for one in range(13):
        for other in range(13):
            keys = ("f", str(one)), ("f", str(other))
            assert (other in groups[one]) is (classes.find(keys[0]) == classes.find(keys[1]))
            same = classes.find(classes.element(keys[0])) == classes.find(classes.element(keys[1]))
            assert (other in groups[one]) is same
            assert (keys[1] in set(classes.members(keys[0]))) is (other in groups[one])
