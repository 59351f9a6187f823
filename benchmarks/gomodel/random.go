package main

import (
	"math"
	"math/bits"
)

// random draws from xoshiro256++ (Blackman and Vigna 2019). Every replication has one, with a seed of its own.
type random struct{ s0, s1, s2, s3 uint64 }

func newRandom(seed, stream uint64) *random {
	state := seed*0x9E3779B97F4A7C15 ^ stream*0xD1B54A32D192ED03
	next := func() uint64 { // splitmix64, as its authors advise for seeding
		state += 0x9E3779B97F4A7C15
		z := state
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
	return &random{next(), next(), next(), next()}
}

func (r *random) next() uint64 {
	result := bits.RotateLeft64(r.s0+r.s3, 23) + r.s0
	t := r.s1 << 17
	r.s2 ^= r.s0
	r.s3 ^= r.s1
	r.s1 ^= r.s2
	r.s0 ^= r.s3
	r.s2 ^= t
	r.s3 = bits.RotateLeft64(r.s3, 45)
	return result
}

// uniform is above 0 and at most 1, so that its logarithm exists.
func (r *random) uniform() float64 { return float64(r.next()>>11+1) * 0x1p-53 }

// The ziggurat for the exponential law (Marsaglia and Tsang 2000) with 256 layers of equal area.
const (
	layers    = 256
	rightmost = 7.69711747013104972
	layerArea = 0.0039496598225815571993
)

var edges, heights [layers + 1]float64

func init() {
	edges[0] = layerArea * math.Exp(rightmost) // the base layer, with the tail folded into its width
	edges[1] = rightmost
	for i := 2; i < layers; i++ {
		edges[i] = -math.Log(layerArea/edges[i-1] + math.Exp(-edges[i-1]))
	}
	for i := range heights {
		heights[i] = math.Exp(-edges[i])
	}
	edges[layers], heights[layers] = 0, 1
}

// exponential has mean 1.
func (r *random) exponential() float64 {
	for {
		drawn := r.next()
		layer := drawn & (layers - 1)
		x := float64(drawn>>11) * 0x1p-53 * edges[layer]
		if x < edges[layer+1] {
			return x
		}
		if layer == 0 {
			return rightmost - math.Log(r.uniform())
		}
		if heights[layer]+r.uniform()*(heights[layer+1]-heights[layer]) < math.Exp(-x) {
			return x
		}
	}
}

// gap is the number of trials up to and with the first success of probability p.
func (r *random) gap(p float64) int64 {
	switch {
	case p >= 1:
		return 1
	case p <= 0:
		return math.MaxInt64
	}
	trials := math.Ceil(math.Log(r.uniform()) / math.Log1p(-p))
	return int64(math.Max(1, math.Min(trials, 1e18)))
}
