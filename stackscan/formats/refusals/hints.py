"""The commands that give a dump, one for each situation in which somebody has something else."""

from __future__ import annotations

from typing import Final

_URL: Final = "'http://HOST:PORT/debug/pprof/goroutine?debug=2'"
#: The process has net/http/pprof.
TEXT: Final = f"Take the full text instead: curl -o goroutines.stacks {_URL}"
#: It has not, or nobody knows.
SIGNAL: Final = (
    "Take a dump of the Go process: kill -QUIT PID. It prints all goroutines on its standard error, and ends; "
    f"with net/http/pprof it lives on: curl -o goroutines.stacks {_URL}"
)
ATTACH: Final = (
    "Let Delve print the goroutines: echo 'goroutines -t 100' | TERM=dumb dlv attach PID "
    "--allow-non-terminal-interactive=true > goroutines.txt"
)
#: It is a program of another language.
GO_ONLY: Final = f"stackscan reads dumps of Go programs. {SIGNAL}"
DOCKER: Final = (
    "Let the process print its goroutines (it ends): docker kill --signal=QUIT CONTAINER; "
    "then docker logs CONTAINER > goroutines.txt 2>&1"
)
KUBERNETES: Final = "Take what the container printed when it died: kubectl logs POD --previous > crash.txt"
RAW: Final = "Print its stacks: go tool pprof -raw FILE > goroutines.txt"
NO_SERVER: Final = (
    'Import _ "net/http/pprof" and serve http.DefaultServeMux there; or kill -QUIT PID: the process prints its '
    "goroutines on its standard error, and ends."
)
TEST: Final = "Take what the test run printed: go test -timeout 60s ./... > test.txt 2>&1"
GOPS: Final = "Take the stacks: gops stack PID > goroutines.txt"
CORE: Final = (
    "Take the core file, coredumpctl dump PID -o CORE, and let Delve print its goroutines: echo 'goroutines -t 100' | "
    "TERM=dumb dlv core ./BINARY CORE --allow-non-terminal-interactive=true > goroutines.txt"
)
WHOLE: Final = f"This has sums, not stacks. {TEXT}"
