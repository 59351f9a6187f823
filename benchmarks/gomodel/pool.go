package main

import "math"

// A worker takes the task at the head of the queue when it becomes free, so a task starts at the later of its arrival
// and the earliest moment that any worker is free (Kiefer and Wolfowitz 1955). Both pools below hold one such moment a
// worker; a test holds them to the same starts, task by task.

// pool tells when a task that arrives now starts, and holds its worker until then plus hold.
type pool interface {
	earliest() float64
	assign(start float64, silent bool)
	// rebase moves the origin of time, so that long runs keep their precision.
	rebase(by float64)
}

// heapPool is the plain one: a binary heap of the moments at which workers become free. Any holding times.
type heapPool struct {
	free []float64
	hold func(silent bool) float64
}

func newHeapPool(c int, hold func(bool) float64) *heapPool {
	return &heapPool{free: make([]float64, c), hold: hold}
}

func (p *heapPool) earliest() float64 { return p.free[0] }

func (p *heapPool) assign(start float64, silent bool) {
	until, at, free := start+p.hold(silent), 0, p.free
	for {
		child := 2*at + 1
		if child >= len(free) {
			break
		}
		if child+1 < len(free) && free[child+1] < free[child] {
			child++
		}
		if free[child] >= until {
			break
		}
		free[at] = free[child]
		at = child
	}
	free[at] = until
}

func (p *heapPool) rebase(by float64) {
	for i := range p.free {
		p.free[i] -= by
	}
}

// ringPool is the fast one. Tasks start in the order of their arrival, so healthy ones end in that order, too, and so do
// silent ones: two rings, each sorted by itself, need no heap. The cost of a task does not grow with the workers.
type ringPool struct {
	healthy, silent ring
	short, long     float64
}

func newRingPool(c int, short, long float64) *ringPool {
	p := &ringPool{healthy: newRing(c), silent: newRing(c), short: short, long: long}
	for range c {
		p.healthy.push(0)
	}
	return p
}

func (p *ringPool) earliest() float64 { return min(p.healthy.front(), p.silent.front()) }

func (p *ringPool) assign(start float64, silent bool) {
	if p.healthy.front() <= p.silent.front() {
		p.healthy.head++
	} else {
		p.silent.head++
	}
	if silent {
		p.silent.push(start + p.long)
	} else {
		p.healthy.push(start + p.short)
	}
}

func (p *ringPool) rebase(by float64) {
	p.healthy.rebase(by)
	p.silent.rebase(by)
}

// ring is a queue of at most c numbers, with infinity behind the last one.
type ring struct {
	at         []float64
	head, tail uint64
}

func newRing(c int) ring {
	size := 2
	for size < c+2 {
		size *= 2
	}
	r := ring{at: make([]float64, size)}
	r.at[0] = math.Inf(1)
	return r
}

func (r *ring) front() float64 { return r.at[r.head&uint64(len(r.at)-1)] }

func (r *ring) push(value float64) {
	mask := uint64(len(r.at) - 1)
	r.at[r.tail&mask] = value
	r.tail++
	r.at[r.tail&mask] = math.Inf(1)
}

func (r *ring) rebase(by float64) {
	for i := r.head; i != r.tail; i++ {
		r.at[i&uint64(len(r.at)-1)] -= by
	}
}

// demand is what is asked of a pool. Times in seconds.
type demand struct {
	Workers int     `json:"c,omitempty"`
	Share   float64 `json:"p"`
	Service float64 `json:"s"`
	Close   float64 `json:"D"`
	Rate    float64 `json:"rate"`
}

func (d demand) hold() float64        { return d.Service + d.Share*d.Close }
func (d demand) utilisation() float64 { return d.Rate * d.hold() / float64(d.Workers) }

// memory is about how long the queue remembers, in seconds: some of the longest holds, and the time in which a random
// walk with this drift forgets where it was.
func (d demand) memory() float64 {
	longest, square := d.Service, d.Service*d.Service
	if d.Share > 0 {
		longest += d.Close
		square = (1-d.Share)*square + d.Share*longest*longest
	}
	spare := 1 - d.utilisation()
	return 2*longest + square/d.hold()/(float64(d.Workers)*spare*spare)
}

// stream is Poisson arrivals, some of them silent, at a pool.
type stream struct {
	pool   *ringPool
	random *random
	gap    float64 // mean seconds between two tasks
	share  float64
	now    float64
	left   int64 // tasks up to and with the next silent one
}

func newStream(d demand, r *random) *stream {
	s := &stream{pool: newRingPool(d.Workers, d.Service, d.Service+d.Close), random: r}
	s.demand(d)
	return s
}

// demand changes rate and share from now on; both are memoryless.
func (s *stream) demand(d demand) {
	s.gap, s.share = 1/d.Rate, d.Share
	s.left = s.random.gap(d.Share)
}

// silent tells whether the next task is.
func (s *stream) silent() bool {
	s.left--
	if s.left > 0 {
		return false
	}
	s.left = s.random.gap(s.share)
	return true
}

const rebaseEvery = 1 << 14

// run simulates so many tasks and books their waits; without a tally they are a warm-up.
func (s *stream) run(tasks int64, into *tally) {
	for tasks > 0 {
		part := min(tasks, rebaseEvery)
		tasks -= part
		for range part {
			s.now += s.random.exponential() * s.gap
			start := s.pool.earliest()
			if start > s.now {
				if into != nil {
					into.add(start - s.now)
				}
			} else {
				start = s.now
			}
			s.pool.assign(start, s.silent())
		}
		if into != nil {
			into.tasks += part
		}
		s.pool.rebase(s.now)
		s.now = 0
	}
}
