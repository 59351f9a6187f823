// Copy into a package whose tests shall not leak, with its package clause. The profile lies beside the tests.
package service

import (
	"os"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain runs the tests, and then asks the runtime for the goroutines that nothing can ever wake.
func TestMain(m *testing.M) {
	code := m.Run()
	time.Sleep(100 * time.Millisecond)       // for goroutines that have not come to their wait, or to their end
	profile := pprof.Lookup("goroutineleak") // Go 1.27, or Go 1.26 with GOEXPERIMENT=goroutineleakprofile
	if file, err := os.Create("goroutineleak.pb.gz"); err == nil && profile != nil {
		_ = profile.WriteTo(file, 0)
		_ = file.Close()
	}
	os.Exit(code)
}
