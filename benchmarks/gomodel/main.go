// Command gomodel simulates pools of workers task by task, to judge stackscan's pool model by something that shares no
// code with it.
//
//	gomodel [-parallel N] steady|plan|jump < POINTS
//
// POINTS is a JSON list; each answer is one JSON line. Tasks come as Poisson arrivals to one queue, first come first
// served by c workers. A task holds its worker for s seconds; with probability p its peer is silent, then for s + D. The
// wait of a task is the time until a worker starts it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

func main() {
	parallel := flag.Int("parallel", 2, "goroutines at a time")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: gomodel [-parallel N] steady|plan|jump < POINTS")
		flag.PrintDefaults()
	}
	flag.Parse()
	var err error
	switch flag.Arg(0) {
	case "steady":
		err = answer(os.Stdin, os.Stdout, func(p steadyPoint) any { return steady(p, *parallel) })
	case "plan":
		err = answer(os.Stdin, os.Stdout, func(p planPoint) any { return plan(p, *parallel) })
	case "jump":
		err = answer(os.Stdin, os.Stdout, func(p jumpPoint) any { return jump(p, *parallel) })
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gomodel:", err)
		os.Exit(2)
	}
}

func answer[P any](in io.Reader, out io.Writer, ask func(P) any) error {
	points := []P{}
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&points); err != nil {
		return fmt.Errorf("points: %w", err)
	}
	encoder := json.NewEncoder(out)
	for _, point := range points {
		if err := encoder.Encode(ask(point)); err != nil {
			return err
		}
	}
	return nil
}

// cpuSeconds is the processor time of this process so far: other work beside it does not count.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// inParallel calls do(0) to do(n-1), so many at a time.
func inParallel(n, parallel int, do func(int)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, max(parallel, 1))
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	group.Wait()
}
