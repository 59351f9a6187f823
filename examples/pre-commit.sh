#!/bin/sh
# The goroutine dumps of this repository against the committed baseline. As a git hook: cp pre-commit.sh .git/hooks/pre-commit
# After a change that is right:  stackscan check --write-baseline goroutines.baseline.json testdata/*.stacks
set -eu
cd "$(git rev-parse --show-toplevel)"
exec stackscan check --baseline goroutines.baseline.json testdata/*.stacks
