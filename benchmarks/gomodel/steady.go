package main

import "math"

const (
	replications = 4
	batchesEach  = 10
	pilotTasks   = 4_000_000
)

// steadyPoint is one question. Without Tasks as many are simulated as Target (relative half-width of mean and P(wait))
// takes, but at most what Seconds of processor time allow. The answer tells Tasks: given again, it is the same answer.
type steadyPoint struct {
	demand
	Utilisation float64 `json:"utilisation"`
	Tasks       int64   `json:"tasks"`
	Seed        uint64  `json:"seed"`
	Target      float64 `json:"target"`
	Seconds     float64 `json:"seconds"`
}

type steadyAnswer struct {
	demand
	Utilisation float64             `json:"utilisation"`
	Tasks       int64               `json:"tasks"`
	Seed        uint64              `json:"seed"`
	Mean        estimate            `json:"mean_wait_seconds"`
	Waits       estimate            `json:"wait_probability"`
	Longer01    estimate            `json:"longer_than_0.1_s"`
	Longer30    estimate            `json:"longer_than_30_s"`
	Quantiles   map[string]quantile `json:"wait_quantiles_seconds"`
	// How far the batches can be trusted: their length over the time that the queue remembers, and the correlation of
	// neighbours.
	BatchMemories float64 `json:"batch_memories"`
	Correlation   float64 `json:"batch_correlation"`
	CPUSeconds    float64 `json:"cpu_seconds"`
}

func steady(p steadyPoint, parallel int) steadyAnswer {
	if p.Utilisation > 0 {
		p.Rate = p.Utilisation * float64(p.Workers) / p.hold()
	}
	spent := 0.0
	if p.Tasks == 0 {
		p.Tasks, spent = length(p, parallel)
	}
	parts, used := simulate(p.demand, p.Tasks, p.Seed, parallel)
	all := merge(parts)
	answer := steadyAnswer{
		demand: p.demand, Utilisation: p.utilisation(), Tasks: p.Tasks, Seed: p.Seed,
		Mean:          ofBatches(parts, meanWait),
		Waits:         ofBatches(parts, waits),
		Longer01:      ofBatches(parts, longerThan(0)),
		Longer30:      ofBatches(parts, longerThan(1)),
		Quantiles:     map[string]quantile{},
		BatchMemories: float64(parts[0].tasks) / p.Rate / p.memory(),
		Correlation:   correlation(parts, meanWait),
		CPUSeconds:    used + spent,
	}
	for name, share := range map[string]float64{"0.5": 0.5, "0.9": 0.9, "0.99": 0.99} {
		answer.Quantiles[name] = quantileOf(parts, all, share)
	}
	return answer
}

func meanWait(t *tally) float64 { return t.sum / float64(t.tasks) }
func waits(t *tally) float64    { return float64(t.waited) / float64(t.tasks) }
func longerThan(limit int) func(*tally) float64 {
	return func(t *tally) float64 { return float64(t.longer[limit]) / float64(t.tasks) }
}

// length is how many tasks a pilot run says are needed, or affordable; and the seconds that the pilot took.
func length(p steadyPoint, parallel int) (int64, float64) {
	parts, seconds := simulate(p.demand, pilotTasks, p.Seed+1_000_003, parallel)
	least := max(int64(replications*batchesEach*20*p.memory()*p.Rate), 25*pilotTasks)
	affordable := math.Max(p.Seconds/seconds, 1) * pilotTasks
	worst := math.Max(ofBatches(parts, meanWait).relative(), ofBatches(parts, waits).relative())
	needed := 1.4 * pilotTasks * math.Pow(worst/p.Target, 2)
	return int64(math.Min(math.Max(needed, float64(least)), affordable)), seconds
}

// simulate runs the replications, each with a warm-up from the empty pool, and cuts them into batches. It returns the
// seconds of processor time as well.
func simulate(d demand, tasks int64, seed uint64, parallel int) ([]*tally, float64) {
	parts := make([]*tally, replications*batchesEach)
	each := max(tasks/int64(len(parts)), 1)
	warmUp := min(1000+int64(10*d.memory()*d.Rate), max(5*each, 1_000_000))
	begin := cpuSeconds()
	inParallel(replications, parallel, func(i int) {
		s := newStream(d, newRandom(seed, uint64(i)))
		s.run(warmUp, nil)
		for j := range batchesEach {
			part := newTally()
			s.run(each, part)
			parts[i*batchesEach+j] = part
		}
	})
	return parts, cpuSeconds() - begin
}

// correlation of neighbouring batches of one replication.
func correlation(parts []*tally, of func(*tally) float64) float64 {
	mean := ofBatches(parts, of).Value
	square, product := 0.0, 0.0
	for i, part := range parts {
		square += math.Pow(of(part)-mean, 2)
		if i%batchesEach > 0 {
			product += (of(part) - mean) * (of(parts[i-1]) - mean)
		}
	}
	if square == 0 {
		return 0
	}
	return product / square * batchesEach / (batchesEach - 1)
}
