package main

import (
	"math"
	"sort"
)

// jumpPoint: the share of silent peers is Before until t = 0, that of the demand until Lasting, and Before again then.
type jumpPoint struct {
	demand
	Before  float64 `json:"before"`
	Lasting float64 `json:"lasting"`
	Runs    int     `json:"runs"`
	Seed    uint64  `json:"seed"`
}

// moments are percentiles over all runs, null where the time did not come in that many. Low and High: 99 % intervals.
// Law: 199 percentiles, every half per cent, by which other simulations with fewer runs can be judged.
type moments struct {
	Share estimate            `json:"share"`
	At    map[string]*between `json:"seconds"`
	Law   [199]*float64       `json:"law"`
}

type between struct {
	Value float64  `json:"value"`
	Low   float64  `json:"low"`
	High  *float64 `json:"high"`
}

type jumpAnswer struct {
	demand
	Before            float64 `json:"before"`
	Lasting           float64 `json:"lasting"`
	UtilisationBefore float64 `json:"utilisation_before"`
	Runs              int     `json:"runs"`
	Seed              uint64  `json:"seed"`
	Full              moments `json:"time_to_full"`
	Held              moments `json:"time_to_held"`
	Drain             moments `json:"time_to_drain"`
	CPUSeconds        float64 `json:"cpu_seconds"`
}

func jump(p jumpPoint, parallel int) jumpAnswer {
	full, held, drain := make([]float64, p.Runs), make([]float64, p.Runs), make([]float64, p.Runs)
	begin := cpuSeconds()
	inParallel(p.Runs, parallel, func(i int) {
		full[i], held[i], drain[i] = follow(p, newRandom(p.Seed, uint64(i)))
	})
	calm := p.demand
	calm.Share = p.Before
	answer := jumpAnswer{
		demand: p.demand, Before: p.Before, Lasting: p.Lasting, UtilisationBefore: calm.utilisation(),
		Runs: p.Runs, Seed: p.Seed,
	}
	drained := []float64{}
	for i := range full {
		if !math.IsInf(full[i], 1) {
			drained = append(drained, drain[i])
		}
	}
	answer.CPUSeconds = cpuSeconds() - begin
	answer.Full, answer.Held, answer.Drain = momentsOf(full), momentsOf(held), momentsOf(drained)
	return answer
}

// follow is one run: when an arrival first finds every worker held within the jump, when every worker is first held (0
// when the jump finds them so; both infinite when it does not come), and the time from the end of the jump until a worker
// is free and nobody waits.
func follow(p jumpPoint, r *random) (full, held, drain float64) {
	calm := p.demand
	calm.Share = p.Before
	s := newStream(calm, r)
	// Twenty memories from the empty pool: the steady state. What an arrival finds is the steady state, what it leaves is
	// not: the jump begins where the next arrival would have come.
	s.run(1000+int64(20*calm.memory()*calm.Rate), nil)
	begin := s.now + r.exponential()*s.gap
	end := begin + p.Lasting
	s.demand(p.demand)
	full, held = math.Inf(1), math.Inf(1)
	if s.pool.earliest() > begin {
		held = 0
	}
	arrival := begin + r.exponential()*s.gap
	for ; arrival < end; arrival += r.exponential() * s.gap {
		start := max(arrival, s.pool.earliest())
		if start > arrival && math.IsInf(full, 1) {
			full = arrival - begin
		}
		s.pool.assign(start, s.silent())
		if math.IsInf(held, 1) && s.pool.earliest() > arrival {
			held = arrival - begin
		}
	}
	s.demand(calm)
	for arrival = end; ; {
		arrival += r.exponential() * s.gap
		free := s.pool.earliest()
		if free <= arrival {
			return full, held, max(free-end, 0)
		}
		s.pool.assign(free, s.silent())
	}
}

func momentsOf(times []float64) moments {
	sort.Float64s(times)
	came := sort.SearchFloat64s(times, math.Inf(1))
	n := float64(len(times))
	share := float64(came) / n
	found := moments{
		Share: estimate{share, 2.5758 * math.Sqrt(share*(1-share)/n)},
		At:    map[string]*between{},
	}
	rank := func(q float64) int { return min(max(int(math.Ceil(q*n))-1, 0), len(times)-1) }
	for i := range found.Law {
		if at := rank(float64(i+1) / 200); at < came {
			found.Law[i] = &times[at]
		}
	}
	for name, level := range map[string]float64{"p05": 0.05, "p50": 0.5, "p95": 0.95} {
		if len(times) == 0 || math.IsInf(times[rank(level)], 1) {
			found.At[name] = nil
			continue
		}
		half := 2.5758 * math.Sqrt(level*(1-level)/n)
		found.At[name] = &between{Value: times[rank(level)], Low: times[rank(level-half)]}
		if high := times[rank(level+half)]; !math.IsInf(high, 1) {
			found.At[name].High = &high
		}
	}
	return found
}
