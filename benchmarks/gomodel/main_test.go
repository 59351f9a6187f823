package main

import (
	"math"
	"testing"
)

const tasks = 40_000_000

// within fails when the truth lies outside the 99 % interval, widened by half: of dozens of intervals some miss.
func within(t *testing.T, what string, got estimate, truth float64) {
	t.Helper()
	t.Logf("%s: %.6g ± %.2g (99 %%), exact %.6g", what, got.Value, got.Half, truth)
	if math.Abs(got.Value-truth) > 1.5*got.Half {
		t.Errorf("%s: %.6g ± %.2g, exact %.6g", what, got.Value, got.Half, truth)
	}
}

func ask(t *testing.T, d demand) ([]*tally, *tally) {
	t.Helper()
	parts, _ := simulate(d, tasks, 7, 2)
	return parts, merge(parts)
}

// The heap and the rings start every task at the same moment.
func TestPoolsAgree(t *testing.T) {
	for _, c := range []int{1, 2, 3, 12, 128} {
		for _, d := range []demand{
			{c, 0.1, 0.0003, 10, 0.9 * float64(c) / 1.0003}, {c, 0, 1, 10, 0.9 * float64(c)},
			{c, 1, 0.5, 10, 0.95 * float64(c) / 10.5}, {c, 0.01, 1, 10, 1.05 * float64(c) / 1.1},
		} {
			s := newStream(d, newRandom(1, uint64(c)))
			plain := newHeapPool(c, func(silent bool) float64 {
				if silent {
					return d.Service + d.Close
				}
				return d.Service
			})
			for i := range 200_000 {
				s.now += s.random.exponential() * s.gap
				silent := s.silent()
				start, other := max(s.now, s.pool.earliest()), max(s.now, plain.earliest())
				if start != other {
					t.Fatalf("%+v: task %d starts at %v and at %v", d, i, start, other)
				}
				s.pool.assign(start, silent)
				plain.assign(other, silent)
			}
		}
	}
}

// One worker, two kinds of tasks: Pollaczek and Khinchine.
func TestOneWorker(t *testing.T) {
	for _, d := range []demand{
		{1, 1, 0, 10, 0.05}, {1, 0, 1, 10, 0.8}, {1, 0.5, 1, 10, 0.15}, {1, 0.01, 0.01, 10, 7}, {1, 1e-3, 0.0003, 10, 60},
	} {
		parts, _ := ask(t, d)
		long := d.Service + d.Close
		square := (1-d.Share)*d.Service*d.Service + d.Share*long*long
		within(t, "P(wait)", ofBatches(parts, waits), d.utilisation())
		within(t, "mean wait", ofBatches(parts, meanWait), d.Rate*square/2/(1-d.utilisation()))
	}
}

// M/D/1: the whole law, P(W <= x) by Erlang 1909 (for x below one holding time).
func TestLawOfOneWorker(t *testing.T) {
	d := demand{1, 1, 0, 10, 0.07}
	parts, all := ask(t, d)
	for _, x := range []float64{0, 0.1, 2, 9} {
		at := (1 - d.utilisation()) * math.Exp(d.Rate*x)
		within(t, "P(W > x)", ofBatches(parts, func(p *tally) float64 { return p.beyond(x) }), 1-at)
		if got := all.quantile(at); x > 0 && math.Abs(got-x) > 0.01*x+0.01 {
			t.Errorf("quantile %v: %v, exact %v", at, got, x)
		}
	}
}

// M/D/c: the chain N' = max(N - c, 0) + Poisson(a) of Crommelin (1932), iterated to its stationary law.
func TestManyWorkers(t *testing.T) {
	for _, one := range []struct {
		c    int
		load float64
	}{{2, 1.5}, {8, 5}, {12, 5}, {12, 8}, {12, 10}, {12, 11}, {32, 28}} {
		chance, mean := crommelin(one.c, one.load, 10)
		parts, _ := ask(t, demand{one.c, 1, 0, 10, one.load / 10})
		within(t, "P(wait)", ofBatches(parts, waits), chance)
		within(t, "mean wait", ofBatches(parts, meanWait), mean)
	}
}

func crommelin(c int, load, hold float64) (chance, mean float64) {
	const size = 600
	comes := make([]float64, size)
	for n := range comes {
		gamma, _ := math.Lgamma(float64(n + 1))
		comes[n] = math.Exp(float64(n)*math.Log(load) - load - gamma)
	}
	law := make([]float64, size)
	law[0] = 1
	for range 3000 {
		next := make([]float64, size)
		for n, share := range law {
			if share < 1e-18 {
				continue
			}
			for k := 0; max(n-c, 0)+k < size; k++ {
				next[max(n-c, 0)+k] += share * comes[k]
			}
		}
		law = next
	}
	queue := 0.0
	for n := c; n < size; n++ {
		chance += law[n]
		queue += float64(n-c) * law[n]
	}
	return chance, queue / (load / hold)
}

// The heap with exponential holding times: Erlang's C formula (1917).
func TestErlang(t *testing.T) {
	const c, load = 12, 10.0
	blocked := 1.0
	for n := 1.0; n <= c; n++ {
		blocked = load * blocked / (n + load*blocked)
	}
	chance := blocked / (1 - load/c*(1-blocked))
	draw := newRandom(3, 0)
	workers := newHeapPool(c, func(bool) float64 { return draw.exponential() })
	parts := []*tally{}
	now := 0.0
	for range 40 {
		part := newTally()
		for range 500_000 {
			now += draw.exponential() / load
			start := max(now, workers.earliest())
			workers.assign(start, false)
			if start > now {
				part.add(start - now)
			}
			part.tasks++
		}
		parts = append(parts, part)
	}
	within(t, "P(wait)", ofBatches(parts, waits), chance)
	within(t, "mean wait", ofBatches(parts, meanWait), chance/(c-load))
}

// The exponential law itself: mean, variance, tail, and gaps between successes.
func TestDraws(t *testing.T) {
	r := newRandom(5, 0)
	const n = 200_000_000
	sum, square, tail, gaps := 0.0, 0.0, 0, 0.0
	for range n {
		x := r.exponential()
		sum += x
		square += x * x
		if x > 9 { // beyond the ziggurat's edge
			tail++
		}
		gaps += float64(r.gap(0.01))
	}
	within(t, "mean", estimate{sum / n, 2.6 / math.Sqrt(n)}, 1)
	within(t, "square", estimate{square / n, 2.6 * math.Sqrt(20.0/n)}, 2)
	within(t, "tail", estimate{float64(tail) / n, 2.6 * math.Sqrt(math.Exp(-9)/n)}, math.Exp(-9))
	within(t, "gap", estimate{gaps / n, 2.6 * 100 / math.Sqrt(n)}, 100)
}

// A pool of one, whose every peer is silent within the jump and none before.
func TestJump(t *testing.T) {
	// Before it nothing is silent and service is 0, so the pool is full when the second task comes: two exponential gaps.
	found := jump(jumpPoint{demand{1, 1, 0, 1000, 1}, 0, 40, 10_000, 1}, 2)
	median := 1.6783469900166608 // of the sum of two exponential gaps
	at := found.Full.At["p50"]
	t.Logf("median %v (%v to %v), exact %v", at.Value, at.Low, *at.High, median)
	if at.Low > median || *at.High < median || found.Full.Share.Value != 1 {
		t.Errorf("full: %+v, median %v", found.Full, *at)
	}
	// The first task holds it, one exponential gap after the beginning.
	if held := found.Held.At["p50"]; held.Low > math.Ln2 || *held.High < math.Ln2 {
		t.Errorf("held: %+v, median %v", *held, math.Ln2)
	}
	// Those n that come within the jump are served one after another from about 1 s on: 1000 n s, less the jump, n being
	// Poisson with mean 40 (5th percentile 30, 95th 51).
	low, high := found.Drain.At["p05"].Value, found.Drain.At["p95"].Value
	t.Logf("drained after %v to %v s", low, high)
	if math.Abs(low-29_961) > 1_000 || math.Abs(high-50_961) > 1_000 {
		t.Errorf("drained after %v to %v s", low, high)
	}
}
