#!/bin/sh
# go test, and what stackscan says of it: ./go-test.sh -timeout 2m ./...
# Tests that ran into their time-out, or crashed: what is stuck, beside their log. Tests that passed: what they leak,
# where leaks_test.go stands beside them.
set -eu
find . -name goroutineleak.pb.gz -exec rm -f {} +
code=0
go test "$@" >test.log 2>&1 || code=$?
cat test.log
if [ "$code" -ne 0 ]; then
    # Tests fail without a dump, too: then their log says it all.
    if grep -q '^goroutine [0-9]' test.log; then stackscan check test.log || true; fi
    exit "$code"
fi
if [ -z "$(find . -name goroutineleak.pb.gz)" ]; then exit 0; fi
find . -name goroutineleak.pb.gz -exec stackscan check {} +
