module stackscan.invalid/benchmarks/gomodel

go 1.26
