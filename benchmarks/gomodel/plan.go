package main

import "math"

// planPoint asks for the fewest workers with which at most Allowed of all tasks wait longer than 0.1 s. A pool is tried
// with more and more tasks until its 99 % interval, widened by half,
// lies on one side, or until Seconds of one core are used.
type planPoint struct {
	demand
	Allowed float64 `json:"allowed"`
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
}

type tried struct {
	Workers int      `json:"c"`
	Longer  estimate `json:"longer_than_0.1_s"`
	Tasks   int64    `json:"tasks"`
	Holds   bool     `json:"holds"`
	Clear   bool     `json:"clear"`
}

type planAnswer struct {
	demand
	Allowed float64 `json:"allowed"`
	Seed    uint64  `json:"seed"`
	Needed  int     `json:"workers_needed"`
	// Clear: the pool of this size holds the target, and one worker fewer does not, each with 99 % confidence.
	Clear      bool    `json:"clear"`
	Tried      []tried `json:"tried"` // the pool of this size, and those about it
	CPUSeconds float64 `json:"cpu_seconds"`
}

func plan(p planPoint, parallel int) planAnswer {
	answer := planAnswer{demand: p.demand, Allowed: p.Allowed, Seed: p.Seed}
	known := map[int]tried{}
	holds := func(c int) bool {
		if _, done := known[c]; !done {
			one, used := try(p, c, parallel)
			answer.CPUSeconds += used
			known[c] = one
		}
		return known[c].Holds
	}
	load := p.Rate * p.hold()
	low, step := int(math.Floor(load)), 1 // low fails: it is saturated
	for !holds(low + step) {
		low, step = low+step, 2*step
	}
	high := low + step
	for high-low > 1 {
		middle := (low + high) / 2
		if holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	answer.Needed = high
	saturated := float64(low) <= load // no pool so small has a steady state
	answer.Clear = known[high].Clear && (saturated || known[low].Clear)
	for c := max(high-1, 1); c <= high+1; c++ {
		if one, done := known[c]; done {
			answer.Tried = append(answer.Tried, one)
		}
	}
	return answer
}

func try(p planPoint, c int, parallel int) (tried, float64) {
	d := p.demand
	d.Workers = c
	if d.utilisation() >= 1 {
		return tried{Workers: c, Clear: true, Longer: estimate{1, 0}}, 0
	}
	spent := 0.0
	// Long batches: where waits come in rare bursts, short ones tell too small an interval.
	tasks := max(4_000_000, int64(replications*batchesEach*25*p.Rate*(p.Service+p.Close)))
	for seed := p.Seed; ; seed++ {
		parts, used := simulate(d, tasks, seed, parallel)
		spent += used
		longer := ofBatches(parts, longerThan(0))
		// nothing seen is no proof that there is nothing: some waits must have been
		clear := math.Abs(longer.Value-p.Allowed) > 1.5*longer.Half && (longer.Value > 0 || seed > p.Seed)
		if clear || spent+4*used > p.Seconds {
			return tried{c, longer, tasks, longer.Value <= p.Allowed, clear}, spent
		}
		tasks *= 4
	}
}
