// Command goparsers times the two Go parsers of goroutine dumps on one file, for a comparison in the same run.
//
//	goparsers gostackparse|panicparse FILE RUNS
//
// It prints one JSON line: goroutines found, errors, seconds of each run (parse only, the file is in memory).
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/DataDog/gostackparse"
	"github.com/maruel/panicparse/v2/stack"
)

type result struct {
	Parser     string    `json:"parser"`
	Goroutines int       `json:"goroutines"`
	Errors     int       `json:"errors"`
	Seconds    []float64 `json:"seconds"`
}

func parseDataDog(data []byte) (goroutines, failed int) {
	found, errs := gostackparse.Parse(bytes.NewReader(data))
	return len(found), len(errs)
}

func parsePanicparse(data []byte) (goroutines, failed int) {
	in := io.Reader(bytes.NewReader(data))
	opts := &stack.Opts{LocalGOROOT: "", NameArguments: false, GuessPaths: false, AnalyzeSources: false}
	for {
		snapshot, suffix, err := stack.ScanSnapshot(in, io.Discard, opts)
		if snapshot != nil {
			goroutines += len(snapshot.Goroutines)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				failed++
			}
			return goroutines, failed
		}
		in = io.MultiReader(bytes.NewReader(suffix), in)
	}
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: goparsers gostackparse|panicparse FILE RUNS")
		os.Exit(2)
	}
	parse := map[string]func([]byte) (int, int){"gostackparse": parseDataDog, "panicparse": parsePanicparse}[os.Args[1]]
	data, err := os.ReadFile(os.Args[2])
	runs, convErr := strconv.Atoi(os.Args[3])
	if parse == nil || err != nil || convErr != nil {
		fmt.Fprintln(os.Stderr, "goparsers:", os.Args[1:], err, convErr)
		os.Exit(2)
	}
	out := result{Parser: os.Args[1]}
	for range runs {
		start := time.Now()
		out.Goroutines, out.Errors = parse(data)
		out.Seconds = append(out.Seconds, time.Since(start).Seconds())
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		os.Exit(1)
	}
}
