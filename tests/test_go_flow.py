"""Which locks a Go function holds at a line, by a flow analysis of its source."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackscan.golang.flow import Flow
from stackscan.golang.package import Package, build_package, function_at
from stackscan.golang.tree import parse

_TYPES: Final = """
package store
type base struct{ sync.RWMutex }
type Cache struct {
	base
	mu   sync.Mutex
	rw   sync.RWMutex
	cond *sync.Cond
	next *Cache
	all  map[string]*Cache
}
var global sync.Mutex
func NewCache() *Cache { c := &Cache{}; c.cond = sync.NewCond(&c.mu); return c }
func (c *Cache) lock() { c.mu.Lock() }
func (c *Cache) unlock() { c.mu.Unlock() }
func (c *Cache) begin() func() { c.mu.Lock(); return c.mu.Unlock }
"""
#: What a line says that is held there: ``// must a, b; may c``.
_SAYS: Final = re.compile(r"// (?:must ([\w., ]+))?;? ?(?:may ([\w., ]+))?$")

_CASES: Final = {
    "a deferred unlock holds to the end": """
func (c *Cache) f() {
	c.mu.Lock()
	defer c.mu.Unlock()
	work() // must Cache.mu
}""",
    "after an unlock nothing is held": """
func (c *Cache) f() {
	c.mu.Lock()
	c.mu.Unlock()
	work() //
}""",
    "a branch that unlocks and leaves does not count behind it": """
func (c *Cache) f(ok bool) error {
	c.mu.Lock()
	if !ok {
		c.mu.Unlock()
		return nil
	}
	work() // must Cache.mu
	c.mu.Unlock()
	return nil
}""",
    "a branch that unlocks and goes on makes it a may": """
func (c *Cache) f(ok bool) {
	c.mu.Lock()
	if ok {
		c.mu.Unlock()
	}
	work() // may Cache.mu
}""",
    "both branches lock": """
func (c *Cache) f(ok bool) {
	if ok {
		c.rw.Lock()
	} else {
		c.rw.RLock()
	}
	work() // must Cache.rw
}""",
    "a loop that locks and unlocks": """
func (c *Cache) f() {
	for {
		c.mu.Lock()
		work() // must Cache.mu
		c.mu.Unlock()
		rest() //
	}
}""",
    "a loop that is left with the lock": """
func (c *Cache) f() {
	for i := 0; i < 3; i++ {
		c.mu.Lock()
		if done() {
			break
		}
		c.mu.Unlock()
	}
	work() // may Cache.mu
}""",
    "an endless loop is left by its breaks only": """
func (c *Cache) f() {
	for {
		c.mu.Lock()
		if done() {
			break
		}
		c.mu.Unlock()
	}
	work() // must Cache.mu
}""",
    "a switch without a default may do nothing": """
func (c *Cache) f(n int) {
	switch n {
	case 1:
		c.mu.Lock()
	}
	work() // may Cache.mu
}""",
    "a panic leaves": """
func (c *Cache) f(ok bool) {
	if !ok {
		c.mu.Lock()
		panic("no")
	}
	work() //
}""",
    "a helper that locks for its caller": """
func (c *Cache) f() {
	c.lock()
	work() // must Cache.mu
	c.unlock()
	work() //
}""",
    "an embedded lock": """
func (c *Cache) f() {
	c.Lock()
	work() // must base.RWMutex
}""",
    "a variable of the package, and one of the function": """
func f() {
	var mu sync.Mutex
	global.Lock()
	mu.Lock()
	work() // must global, f.mu
}""",
    "another name for a lock": """
func (c *Cache) f() {
	mu := &c.mu
	mu.Lock()
	work() // must Cache.mu
}""",
    "the lock of a condition": """
func (c *Cache) f() {
	c.cond.L.Lock()
	work() // must Cache.mu
}""",
    "the lock of another object of the type": """
func (c *Cache) f(key string) {
	c.all[key].mu.Lock()
	work() // must Cache.mu
}""",
    "TryLock in a condition": """
func (c *Cache) f() {
	if c.mu.TryLock() {
		work() // must Cache.mu
	}
	if !c.mu.TryLock() {
		return
	}
	rest() // must Cache.mu
}""",
    "a select holds what was held": """
func (c *Cache) f(ch chan int) {
	c.mu.Lock()
	select { // must Cache.mu
	case <-ch:
		c.mu.Unlock()
	default:
	}
	work() // may Cache.mu
}""",
    "a function literal that runs at once": """
func (c *Cache) f() {
	func() {
		c.mu.Lock()
	}()
	work() // must Cache.mu
}""",
    "a goroutine holds nothing of its maker": """
func (c *Cache) f() {
	c.mu.Lock()
	go func() {
		work() //
	}()
}""",
    "the argument of a call runs before it": """
func (c *Cache) f() {
	use(c.begin())
	work() // must Cache.mu
}""",
}


def _package(text: str) -> Package:
    return build_package([parse((_TYPES + text).encode())])


def _states(text: str) -> list[tuple[int, str, str, str]]:
    """Of each line that says something: its number, the line, and what must and may be held there."""
    source = _TYPES + text
    root, package = parse(source.encode()), _package(text)
    found = []
    for number, line in enumerate(source.split("\n"), start=1):
        if "//" not in line:
            continue
        function = function_at(root, number)
        assert function is not None, line
        events = Flow(function, package).at(number)
        assert events, line
        state = events[-1].state
        must = ", ".join(sorted(map(str, state.must)))
        may = ", ".join(sorted(str(place) for place in state.may if place not in state.must))
        found.append((number, line, must, may))
    return found


@pytest.mark.parametrize("name", _CASES)
def test_what_is_held(name: str) -> None:
    """Each line says what must be held there, and what may be."""
    states = _states(_CASES[name])
    assert states
    for _, line, must, may in states:
        says = _SAYS.search(line)
        wanted = ("", "") if says is None else (says[1] or "", says[2] or "")
        assert (", ".join(sorted(wanted[0].split(", "))), wanted[1]) == (must, may), line


def test_a_function_that_may_return_locked() -> None:
    """What a function leaves behind: on one way the lock, on the other nothing."""
    text = """
func (c *Cache) f(ok bool) error {
	c.mu.Lock()
	if !ok {
		return nil
	}
	c.mu.Unlock()
	return nil
}"""
    package = _package(text)
    end = Flow(package.functions["Cache.f"], package).end
    assert end is not None
    assert (["Cache.mu"], []) == ([*map(str, end.may)], [*map(str, end.must)])


def test_functions_that_call_each_other_end() -> None:
    """A summary of a function that calls itself is unknown, and takes no time."""
    text = """
func (c *Cache) a() { c.mu.Lock(); c.b() }
func (c *Cache) b() { c.a(); c.mu.Unlock() }
"""
    package = _package(text)
    for name in ("a", "b"):
        Flow(package.functions[f"Cache.{name}"], package)


@pytest.mark.parametrize(
    "text",
    [
        "type Conn struct { opt }\ntype opt struct { *other.Conn }\n",
        "type Conn struct { *B }\ntype B struct { *Conn }\n",
        "type Conn struct { *Conn }\n",
    ],
)
def test_embedding_that_goes_round_ends(text: str) -> None:
    """A type of another package is not the own one of that name, and a struct may embed one that embeds it."""
    text += "func (c *Conn) f() { c.g(); c.n = 1; c.Lock(); work() }\n"
    package = _package(text)
    Flow(package.functions["Conn.f"], package)
    assert package.method("Conn", "g") is None
    assert "other" == package.field_of("Conn", "n").kind


@given(st.text(alphabet="{}()[];:=<-&*.,\n\t \"`'ab0funcgoifrs", max_size=300))
def test_broken_source_is_read(text: str) -> None:
    """Whatever stands in a file: never an exception."""
    package = _package(text)
    for function in package.functions.values():
        Flow(function, package)
