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
	open func()
	part struct {
		sync.Mutex
		in struct{ mu sync.Mutex }
	}
	locks  map[string]*sync.Mutex
	mus    [4]sync.RWMutex
	reader sync.Locker
	ready  *sync.Cond
	read   *sync.Cond
	kept   sync.Cond
	own    *sync.Cond
	other  *sync.Cond
}
type Queue struct {
	sync.Mutex
	*sync.Cond
	ready *sync.Cond
}
type Pair struct {
	mu   *sync.Mutex
	cond *sync.Cond
}
func NewPair() *Pair { mu := &sync.Mutex{}; return &Pair{mu: mu, cond: sync.NewCond(mu)} }
func NewQueue() *Queue { s := &Queue{}; s.ready = sync.NewCond(s); s.Cond = sync.NewCond(&s.Mutex); return s }
func (c *Cache) more(cond *sync.Cond) {
	c.ready, c.read = sync.NewCond(&c.mu), sync.NewCond(c.rw.RLocker())
	c.kept.L = &c.mu
	c.own = sync.NewCond(&sync.Mutex{})
	c.other = cond
	c.reader = c.rw.RLocker()
	c.locks["a"] = &sync.Mutex{}
	with(c.reader, nil)
}
func with(l sync.Locker, do func()) {
	l.Lock()
	defer l.Unlock()
	do()
}
func drop(l *sync.Mutex) { l.Unlock() }
func take(l *sync.Mutex) { l.Lock() }
func maybe(c *Cache) (err error) {
	defer func() { recover() }()
	check()
	c.mu.Lock()
	return nil
}
var global sync.Mutex
func NewCache() *Cache { c := &Cache{}; c.cond = sync.NewCond(&c.mu); return c }
func (c *Cache) lock() { c.mu.Lock() }
func (c *Cache) unlock() { c.mu.Unlock() }
func (c *Cache) begin() func() { c.mu.Lock(); return c.mu.Unlock }
"""
#: What a line says that is held there: ``// must a, b; may c``.
_SAYS: Final = re.compile(r"// ?(?:must ([\w., ]+))?(?:; )?(?:may ([\w., ]+))?$")

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
    "the argument of a call runs before it, and who gets an Unlock may call it": """
func (c *Cache) f() {
	use(c.begin())
	work() // may Cache.mu
}""",
    "a literal that runs at once runs what it defers": """
func (c *Cache) f() {
	func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		work() // must Cache.mu
	}()
	rest() //
}""",
    "a literal that ends a panic": """
func (c *Cache) f() {
	func() {
		defer func() { recover(); c.mu.Unlock() }()
		c.mu.Lock()
		panic("x")
	}()
	work() //
}""",
    "a function that ends a panic may not have come to its Lock": """
func (c *Cache) f() {
	maybe(c)
	work() // may Cache.mu
}""",
    "goto goes on with what was held there": """
func (c *Cache) f(n int) {
	c.mu.Lock()
	if n == 0 {
		c.mu.Unlock()
		goto out
	}
	work() // must Cache.mu
out:
	rest() // may Cache.mu
}""",
    "goto back": """
func (c *Cache) f(n int) {
again:
	work() // may Cache.mu
	c.mu.Lock()
	if n > 0 {
		goto again
	}
	rest() // must Cache.mu
}""",
    "what only goto reaches": """
func (c *Cache) f(n int) {
	c.mu.Lock()
	if n > 0 {
		goto out
	}
	return
out:
	work() // must Cache.mu
}""",
    "continue of an outer loop, out of a select": """
func (c *Cache) f(ch chan int) {
	select {
	case <-ch:
	outer:
		for i := 0; i < 2; i++ {
			c.mu.Lock()
			for {
				c.mu.Unlock()
				select {
				case <-ch:
					continue outer
				}
			}
		}
		work() //
	}
}""",
    "the second operand runs on one way only": """
func (c *Cache) f(ok bool) {
	_ = ok && c.tryIt()
	work() // may Cache.mu
}
func (c *Cache) tryIt() bool { c.mu.Lock(); return true }
""",
    "an Unlock as a value that is only called": """
func (c *Cache) f() {
	lock, unlock := c.mu.Lock, c.mu.Unlock
	lock()
	work() // must Cache.mu
	unlock()
	rest() //
}""",
    "an Unlock as a value that is deferred": """
func (c *Cache) f() {
	c.mu.Lock()
	unlock := c.mu.Unlock
	defer unlock()
	work() // must Cache.mu
}""",
    "an Unlock as a value that is passed on": """
func (c *Cache) f() {
	c.mu.Lock()
	later(c.mu.Unlock)
	work() // may Cache.mu
}""",
    "an Unlock as a value that is kept": """
func (c *Cache) f() {
	c.mu.Lock()
	c.open = c.mu.Unlock
	work() // may Cache.mu
}""",
    "a Locker made of a lock": """
func (c *Cache) f() {
	var l sync.Locker = &c.mu
	c.mu.Lock()
	work() // must Cache.mu
	l.Unlock()
	rest() //
}""",
    "a literal in a variable that is only called": """
func (c *Cache) f() {
	c.mu.Lock()
	give := func() { c.mu.Unlock() }
	work() // must Cache.mu
	give()
	rest() //
}""",
    "a literal in a variable, called in a deferred literal": """
func (c *Cache) f() {
	c.mu.Lock()
	give := func() { c.mu.Unlock() }
	defer func() { give() }()
	work() // must Cache.mu
}""",
    "a literal in a variable that others get": """
func (c *Cache) f() {
	c.mu.Lock()
	give := func() { c.mu.Unlock() }
	later(give)
	work() // may Cache.mu
}""",
    "another goroutine gives it back": """
func (c *Cache) f() {
	c.mu.Lock()
	go func() { c.mu.Unlock() }()
	work() // may Cache.mu
}""",
    "another goroutine gives back what was taken elsewhere": """
func (c *Cache) f() {
	c.mu.Lock()
	work() // may Cache.mu
}
func (c *Cache) g() { go func() { c.mu.Unlock() }() }
""",
    "another goroutine gives back what it took": """
func (c *Cache) f() {
	c.mu.Lock()
	go func() { c.mu.Lock(); defer c.mu.Unlock(); c.cond.Wait() }()
	work() // must Cache.mu
}""",
    "a goroutine of a function or a method gives it back": """
func (c *Cache) f() {
	c.mu.Lock()
	c.rw.Lock()
	go c.unlock()
	go c.rw.Unlock()
	work() // may Cache.mu, Cache.rw
}""",
    "another goroutine waits on the condition": """
func (c *Cache) f() {
	cond := sync.NewCond(&c.mu)
	c.mu.Lock()
	go func() { cond.Wait() }()
	work() // may Cache.mu
}""",
    "a lock that a function of the package is given": """
func (c *Cache) f() {
	take(&c.mu)
	work() // must Cache.mu
	drop(&c.mu)
	rest() //
}""",
    "a lock that another package is given": """
func (c *Cache) f() {
	c.mu.Lock()
	other.Keep(&c.mu)
	work() // may Cache.mu
}""",
    "an Unlock of something unknown": """
func (c *Cache) f() {
	c.mu.Lock()
	l := c.pick()
	l.Unlock()
	work() // may Cache.mu
}
func (c *Cache) pick() *sync.Mutex { return &c.mu }
""",
    "an Unlock that a function returns, deferred": """
func (c *Cache) f() {
	c.g()
	work() //
}
func (c *Cache) g() {
	defer c.begin()()
	work() // must Cache.mu
}""",
    "an Unlock that a function returns, in a variable": """
func (c *Cache) f() {
	unlock := c.begin()
	work() // must Cache.mu
	unlock()
	rest() //
}""",
    "an Unlock that a function returns, and another one gets": """
func (c *Cache) f() {
	unlock := c.begin()
	later(unlock)
	work() // may Cache.mu
}""",
    "two objects of one type": """
func f(a, b *Cache) {
	a.mu.Lock()
	b.mu.Lock()
	b.mu.Unlock()
	work() // must Cache.mu
	a.mu.Unlock()
	rest() //
}""",
    "two names of one object": """
func f(a *Cache) {
	b := a
	b.mu.Lock()
	a.mu.Unlock()
	work() //
}""",
    "names that change places": """
func f(a, b *Cache) {
	a.mu.Lock()
	a, b = b, a
	b.mu.Unlock()
	work() //
}""",
    "a name that is used again within": """
func f(a *Cache) {
	a.mu.Lock()
	if true {
		a := &Cache{}
		a.mu.Lock()
		a.mu.Unlock()
	}
	work() // must Cache.mu
}""",
    "a name that is of another type within": """
func f(a *Cache) {
	if true {
		a := &Queue{}
		a.Lock()
		a.ready.L.Unlock()
		work() //
	}
	a.mu.Lock()
	rest() // must Cache.mu
}""",
    "each round of a loop has its own": """
func f(all []*Cache) {
	for _, a := range all {
		a.mu.Lock()
		defer a.mu.Unlock()
	}
	work() // may Cache.mu
}""",
    "a struct without a name": """
func (c *Cache) f() {
	c.part.Lock()
	c.part.in.mu.Lock()
	work() // must Cache.part.Mutex, Cache.part.in.mu
	c.part.Unlock()
	rest() // must Cache.part.in.mu
}""",
    "one of several": """
func (c *Cache) f(k int, key string) {
	c.mus[k].RLock()
	mu := c.locks[key]
	mu.Lock()
	work() // must one of Cache.locks, one of Cache.mus
	mu.Unlock()
	c.mus[k].RUnlock()
	rest() //
}""",
    "a pointer to one of several": """
func (c *Cache) f(k int) {
	mu := &c.mus[k]
	mu.RLock()
	mu.RUnlock()
	mu.Lock()
	defer mu.Unlock()
	work() // must one of Cache.mus
}""",
    "a Locker that is the same everywhere": """
func (c *Cache) f() {
	c.reader.Lock()
	work() // must Cache.rw
	c.reader.Unlock()
	rest() //
}""",
    "a TryLock in a variable": """
func (c *Cache) f() {
	ok := c.mu.TryLock()
	if !ok {
		work() //
		return
	}
	rest() // must Cache.mu
}""",
    "a TryLock behind another condition": """
func (c *Cache) f(n int) {
	if n == 0 && c.mu.TryLock() {
		work() // must Cache.mu
		c.mu.Unlock()
	}
	rest() //
}""",
    "a TryLock until it has it": """
func (c *Cache) f() {
	for !c.mu.TryLock() {
		work() //
	}
	rest() // must Cache.mu
}""",
    "the lock of an embedded condition, of a pair, of one that was made beside": """
func f(q *Queue, p *Pair) {
	q.ready.L.Lock()
	p.cond.L.Lock()
	work() // must Pair.mu, Queue.Mutex
}""",
    "conditions that are made together": """
func (c *Cache) f() {
	c.ready.L.Lock()
	c.read.L.Lock()
	work() // must Cache.mu, Cache.rw
	c.kept.L.Unlock()
	rest() // must Cache.rw
}""",
    "a condition with a lock of its own": """
func (c *Cache) f() {
	c.own.L.Lock()
	work() // must Cache.own.L
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


_HOLDS: Final = {
    "of a loop that locks again": ("""
func (c *Cache) f() {
	c.mu.Lock()
	for i := 0; i < 3; i++ {
		c.mu.Unlock()
		c.mu.Lock()
	}
	work()
}""", (2, 5), True, False),
    "of either branch": ("""
func (c *Cache) f(ok bool) {
	if ok {
		c.mu.Lock()
	} else {
		c.mu.Lock()
	}
	work()
}""", (3, 5), True, False),
    "of the last one": ("""
func (c *Cache) f() {
	c.mu.Lock()
	c.mu.Unlock()
	c.mu.Lock()
	work()
}""", (4,), True, False),
    "to read or to write": ("""
func (c *Cache) f(ok bool) {
	if ok {
		c.rw.Lock()
	} else {
		c.rw.RLock()
	}
	work()
}""", (3, 5), False, True),
    "through a Locker": ("""
func (c *Cache) f() {
	c.rw.RLocker().Lock()
	work()
}""", (2,), False, False),
    "through a condition": ("""
func (c *Cache) f() {
	c.read.L.Lock()
	work()
}""", (2,), False, False),
}  # fmt: skip


@pytest.mark.parametrize("name", _HOLDS)
def test_since_when_and_how(name: str) -> None:
    """The lines in one of which the lock was taken last, and whether for writing."""
    text, lines, writing, either = _HOLDS[name]
    package = _package(text)
    flow = Flow(package.functions["Cache.f"], package)
    event = next(event for event in flow.events.values() if event.node.text == b"work()")
    (hold,) = event.state.must.values()
    first = _TYPES.count("\n") + 1
    assert (lines, writing, either) == (tuple(line - first for line in hold.lines), hold.writing, hold.either)
