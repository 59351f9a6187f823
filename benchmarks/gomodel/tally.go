package main

import "math"

// Waits are counted in bins that are 1/256 of an octave wide, from 2^-34 s to 2^30 s.
const (
	binBits  = 8
	firstBin = (1023 - 34) << binBits
	bins     = 64 << binBits
)

// limits are the waits of which the share of longer ones is counted by itself: the target of plans and a probe's
// time-out, in seconds.
var limits = [2]float64{0.1, 30}

// tally is what one batch of tasks waited.
type tally struct {
	tasks  int64
	sum    float64
	waited int64
	longer [len(limits)]int64
	counts []int64
}

func newTally() *tally { return &tally{counts: make([]int64, bins)} }

func (t *tally) add(wait float64) {
	t.sum += wait
	t.waited++
	if wait > limits[0] {
		t.longer[0]++
		if wait > limits[1] {
			t.longer[1]++
		}
	}
	t.counts[min(max(int(math.Float64bits(wait)>>(52-binBits))-firstBin, 0), bins-1)]++
}

func edge(bin int) float64 {
	return math.Float64frombits(uint64(bin+firstBin) << (52 - binBits))
}

// beyond is the share of tasks that wait longer than x; within a bin they are taken as spread evenly.
func (t *tally) beyond(x float64) float64 {
	if x <= 0 {
		return float64(t.waited) / float64(t.tasks)
	}
	at := min(max(int(math.Float64bits(x)>>(52-binBits))-firstBin, 0), bins-1)
	inside := (edge(at+1) - x) / (edge(at+1) - edge(at))
	longer := inside * float64(t.counts[at])
	for _, count := range t.counts[at+1:] {
		longer += float64(count)
	}
	return longer / float64(t.tasks)
}

// quantile is the wait that a share of all tasks does not exceed.
func (t *tally) quantile(share float64) float64 {
	allowed := (1 - share) * float64(t.tasks)
	longer := 0.0
	if float64(t.waited) <= allowed {
		return 0
	}
	for bin := bins - 1; bin >= 0; bin-- {
		count := float64(t.counts[bin])
		if longer+count > allowed {
			return edge(bin+1) - (allowed-longer)/count*(edge(bin+1)-edge(bin))
		}
		longer += count
	}
	return 0
}

func merge(parts []*tally) *tally {
	all := newTally()
	for _, part := range parts {
		all.tasks += part.tasks
		all.sum += part.sum
		all.waited += part.waited
		for i := range limits {
			all.longer[i] += part.longer[i]
		}
		for i, count := range part.counts {
			all.counts[i] += count
		}
	}
	return all
}

// estimate is a value and half of its 99 % interval.
type estimate struct {
	Value float64 `json:"value"`
	Half  float64 `json:"half_width"`
}

func (e estimate) relative() float64 {
	if e.Value <= 0 {
		return math.Inf(1)
	}
	return e.Half / e.Value
}

// ofBatches is the mean of equally long batches, with Student's 99 % interval.
func ofBatches(parts []*tally, of func(*tally) float64) estimate {
	n, mean, square := float64(len(parts)), 0.0, 0.0
	for _, part := range parts {
		mean += of(part) / n
	}
	for _, part := range parts {
		square += (of(part) - mean) * (of(part) - mean)
	}
	return estimate{mean, student(n-1) * math.Sqrt(square/(n-1)/n)}
}

// student is the 99.5 % quantile of Student's law (Fisher's expansion, right to 4 digits from 10 degrees on).
func student(degrees float64) float64 {
	const z = 2.5758293035489
	return z + (z*z*z+z)/(4*degrees) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*degrees*degrees) +
		(3*math.Pow(z, 7)+19*math.Pow(z, 5)+17*z*z*z-15*z)/(384*degrees*degrees*degrees)
}

// quantileOf estimates a quantile: the interval is that of the share beyond it, carried over by the law itself.
func quantileOf(parts []*tally, all *tally, share float64) quantile {
	at := all.quantile(share)
	beyond := ofBatches(parts, func(t *tally) float64 { return t.beyond(at) })
	low := all.quantile(math.Max(share-beyond.Half, 0))
	high := all.quantile(math.Min(share+beyond.Half, 1))
	return quantile{at, low, high}
}

// quantile is a value and its 99 % interval, which need not lie evenly about it.
type quantile struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}
