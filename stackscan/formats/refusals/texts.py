"""The table of texts that people give and that hold no goroutine: how each is recognised, its name, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from stackscan.formats.refusals import hints

#: Bytes in which a text is looked for.
SEARCH: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Text:
    """A kind of text: a bounded pattern that begins at a line of it, its name, and what to do instead."""

    pattern: bytes
    name: str
    hint: str


#: The first that is found names the text: those with a surer sign come first.
TEXTS: Final = (
    # -- Go's own ------------------------------------------------------------------------------------------------------
    Text(rb"ROUTINE =+ \S", "the source that go tool pprof -list prints, with sums by line", hints.RAW),
    Text(rb"heap profile: \d+: \d+ \[", "a heap profile", hints.TEXT),
    Text(rb"--- contention:\s*\n", "a block profile", hints.TEXT),
    Text(rb"--- mutex:\s*\n", "a mutex profile", hints.TEXT),
    Text(rb"WARNING: DATA RACE\r?\n", "a warning of the race detector without its accesses",
         "Take the whole output: go test -race ./... > races.txt 2>&1"),
    Text(rb"[ \t]{0,40}(?:testing\.go:\d+: )?race detected during execution of test",
         "the end of a test that met a data race, without the race detector's report",
         "Take the whole output: go test -race ./... > races.txt 2>&1"),
    Text(rb"M=-?\d+ P=-?\d+ G=-?\d+ [A-Z]\w+ ", "a Go execution trace as text (go tool trace -d)", hints.TEXT),
    Text(rb"SCHED \d+ms: gomaxprocs=", "the scheduler's trace (GODEBUG=schedtrace), which has no stacks", hints.SIGNAL),
    Text(rb"gc \d+ @\d[\d.]*s \d+%: ", "the collector's trace (GODEBUG=gctrace)", hints.SIGNAL),
    Text(rb"goroutines: \d+\r?\nOS threads: \d+", "what gops stats prints: numbers, no stacks", hints.GOPS),
    Text(rb"\d+ +\d+ +\S+ +\*? ?go1\.\d[^\n]{0,200}", "the list of processes of gops", hints.GOPS),
    Text(rb"[ \t]{0,8}\"cmdline\": \[", "the expvar page (/debug/vars), which has numbers, no stacks", hints.TEXT),
    Text(rb"# (?:HELP|TYPE) [a-zA-Z_:]", "a page of Prometheus metrics, which has numbers, no stacks", hints.TEXT),
    Text(rb"# [\w./~@-]+(?: \[[^\]\n]{1,200}\])?\r?\n(?:# \[[^\]\n]{1,200}\]\r?\n)?(?:vet: )?\S{1,400}\.go:\d+:\d+: ",
         "errors of go build or go vet", hints.TEST),
    Text(rb"--- FAIL: \S+ \(\d|FAIL\t\S+\t\d|ok  \t\S+\t[\d(]", "the output of go test, without stacks", hints.TEST),
    # -- stackscan's own outputs, and pictures -------------------------------------------------------------------------
    Text(rb"[ \t]{0,8}(?:\{[ \t]{0,8})?\"\$schema\": ?\"https://www\.speedscope\.app",
         "a profile for speedscope", hints.WHOLE),
    Text(rb"[^\n<]{0,200}(?:<\?xml[^\n<]{0,200})?<svg[ >]", "an SVG picture", hints.WHOLE),
    Text(rb" ?[^\n:]{1,200}: Total \d+(?: of \d+ \([\d.]+%\))?\r?\n",
         "the labels that go tool pprof -tags prints, without stacks", hints.RAW),
    Text(rb"positions: instr line|events: \w", "a profile for callgrind", hints.RAW),
    Text(rb"digraph \"", "a graph of go tool pprof -dot, with sums by function", hints.RAW),
    Text(rb"[^\s;][^;\n]{0,400};[^;\n]{1,400}(?:;[^\n]{0,4000})? \d+\r?\n"
         rb"[^\s;][^;\n]{0,400};[^\n]{1,4000} \d+\r?(?:\n|\Z)",
         "folded stacks, as flame graphs take them", hints.WHOLE),
    # -- other languages -----------------------------------------------------------------------------------------------
    Text(rb"Full thread dump ", "a thread dump of Java (jstack)", hints.GO_ONLY),
    Text(rb"\"[^\"\n]{1,200}\" (?:#\d+ )?(?:\[\d+\] )?(?:daemon )?prio=\d+ ", "a thread dump of Java (jstack)",
         hints.GO_ONLY),
    Text(rb"Coroutines dump \d{4}/", "a dump of Kotlin's coroutines", hints.GO_ONLY),
    Text(rb"(?:Exception in thread \"|(?:Caused by: )?[a-zA-Z_][\w.$]{2,300}(?:Exception|Error)\b[^\n]{0,400}\n\tat )"
         rb"|\tat [\w.$]{1,300}\.[\w$<>]{1,99}\((?:[\w$]{1,99}\.(?:java|kt|scala):\d|Native Method|Unknown Source)",
         "a stack of Java", hints.GO_ONLY),
    Text(rb"[ \t]{0,9}\{?[ \t]{0,9}\"threadDump\": ?\{", "a thread dump of Java (jcmd, JSON)", hints.GO_ONLY),
    Text(rb"(?:Current thread|Thread) 0x[0-9a-f]+ (?:\[[^\]\n]{0,200}\] )?\(most recent call first\):",
         "a dump of Python's faulthandler", hints.GO_ONLY),
    Text(rb"Process \d+: [^\n]{0,4000}\nPython v?\d", "what py-spy dump prints", hints.GO_ONLY),
    Text(rb"Traceback \(most recent call last\):", "a traceback of Python", hints.GO_ONLY),
    Text(rb"thread '[^'\n]{0,200}' (?:\(\d+\) )?panicked at ", "a panic of a Rust program", hints.GO_ONLY),
    Text(rb"stack backtrace:\r?\n +0: ", "a backtrace of a Rust program", hints.GO_ONLY),
    Text(rb"PHP (?:Fatal error|Warning):  |#0 [^\n(]{1,300}\.php\(\d+\): ", "a stack of PHP", hints.GO_ONLY),
    Text(rb"\*\* \(\w[\w.]{0,99}\) |    \(\w{1,60} \d+\.\d[\w.-]{0,20}\) lib/[^\n:]{1,200}\.exs?:\d",
         "a stack of Elixir", hints.GO_ONLY),
    Text(rb"Fatal error: [^\n]{0,400}\.swift(?:, line |:)\d", "a crash of a Swift program", hints.GO_ONLY),
    Text(rb"(?:==\d+==)?(?:ERROR|WARNING): \w{2,20}Sanitizer: ", "a report of a sanitizer of C and C++",
         "Go's own race detector names goroutines: go test -race ./... > races.txt 2>&1"),
    Text(rb"(?:\* |  )\d+ (?:idle|runnable|running|syscall|waiting|moribund|dead)[ \t]+[\w./]{1,200}\r?(?:\n|\Z)",
         "the list that gdb's `info goroutines` prints, without stacks", hints.ATTACH),
    Text(rb"TID \d+:\r?\n#0 ", "the stacks of threads that eu-stack or pstack prints",
         "It shows threads, not goroutines. " + hints.ATTACH),
    Text(rb"Attaching \d+ probes?\.\.\.|@(?:\w{1,40})?\[\r?\n    \S", "what bpftrace prints", hints.SIGNAL),
    Text(rb"Thread \d+ \((?:Thread 0x[0-9a-f]+ )?\(?LWP \d+\)", "the threads of a process as gdb prints them",
         "gdb does not see goroutines. " + hints.ATTACH),
    Text(rb"#0 +(?:0x[0-9a-f]+ in )?[^\n]{1,400}\n#1 +0x[0-9a-f]+ in ", "a backtrace of gdb",
         "gdb does not see goroutines. " + hints.ATTACH),
    Text(rb"(?:\* )?thread #\d+, (?:name|queue|stop reason)", "a backtrace of lldb",
         "lldb does not see goroutines. " + hints.ATTACH),
    Text(rb"Analysis of sampling \S", "what sample of macOS prints", hints.ATTACH),
    Text(rb"[ \t]{0,8}\"reportVersion\": \d", "a report of Node.js", hints.GO_ONLY),
    Text(rb" {4}at (?:[^\n(]{0,200}\()?(?:node:internal/|file:///|/)[^\n:]{1,300}:\d+:\d+",
         "a stack of Node.js", hints.GO_ONLY),
    Text(rb"\S[^\n]{0,200}:\d+:in [`'][^\n]{1,200}'", "a backtrace of Ruby", hints.GO_ONLY),
    Text(rb"   at [\w.`<>]{1,400}\([^\n]{0,400}\) in [^\n]{1,400}:line \d+", "a stack of .NET", hints.GO_ONLY),
    # -- the system ----------------------------------------------------------------------------------------------------
    Text(rb"[^\n]{0,200}INFO: task [^\n]{1,200} blocked for more than \d+ seconds", "a kernel's report of a hung task",
         "It shows a thread inside the kernel. " + hints.SIGNAL),
    Text(rb"\[<(?:0|[0-9a-f]{8,16})>\] \w[^\n+]{0,200}\+0x[0-9a-f]+/0x",
         "the kernel's stack of a thread (/proc/PID/stack)",
         "It shows one thread inside the kernel. " + hints.SIGNAL),
    Text(rb"\[ *\d{1,9}\.\d{6}\] \S", "messages of the kernel (dmesg)", hints.SIGNAL),
    Text(rb"top - \d\d:\d\d:\d\d ", "what top prints", hints.SIGNAL),
    Text(rb"COMMAND +PID +(?:TID +)?(?:TASKCMD +)?USER +FD ", "what lsof prints", hints.SIGNAL),
    Text(rb"Linux \d\S* \([^)\n]{1,200}\)[^\n]{0,200}\n[ \t\r]{0,9}\n(?:\d\d:\d\d:\d\d|#)[^\n]{0,40} UID +",
         "what pidstat prints",
         hints.SIGNAL),
    Text(rb"(?:Netid|Proto) {1,20}(?:State|Recv-Q) ", "a list of connections (ss, netstat)", hints.SIGNAL),
    Text(rb" {0,9}(?:UID|USER|PID|F S)[ \t][^\n]{0,100}\b(?:CMD|COMMAND)[ \t\r]{0,9}\n",
         "a list of processes (ps)", hints.SIGNAL),
    Text(rb"(?:\[pid +\d+\] |\d+ +)?(?:\d\d:\d\d:\d\d\S* )?[a-z_0-9]{2,30}\([^\n]{0,400}\) += +(?:-?\d|0x|\?)",
         "a list of system calls (strace)", hints.SIGNAL),
    Text(rb"\S[^\n]{0,60} \d+(?:/\d+)? +(?:\[\d+\] +)?\d+\.\d+: +"
         rb"(?:\d+ +)?[\w-]+(?::[\w-]+)?:[ \w]{0,4}[ \r]{0,4}\n[ \t]{1,40}[0-9a-f]+ ",
         "what perf script prints: samples of CPU use", hints.SIGNAL),
    Text(rb" +PID: \d+ \([^)\n]{1,100}\)\r?\n", "what coredumpctl info prints", hints.CORE),
    # -- containers ----------------------------------------------------------------------------------------------------
    Text(rb" {4}\{\r?\n {8}\"Id\": \"[0-9a-f]{12,}", "what docker inspect prints", hints.DOCKER),
    Text(rb"CONTAINER ID +(?:IMAGE|NAME) ", "a list of containers (docker)", hints.DOCKER),
    Text(rb"Name: +\S+\r?\n(?:Namespace|Priority|Labels): ", "what kubectl describe prints", hints.KUBERNETES),
    Text(rb"(?:NAMESPACE +)?NAME +READY +STATUS +RESTARTS", "what kubectl get pods prints", hints.KUBERNETES),
    # -- a server that does not have it --------------------------------------------------------------------------------
    Text(rb"404 page not found\s*\Z", "an error page of a web server: 404 page not found", hints.NO_SERVER),
    Text(rb"Unknown profile\s*\Z", "an error of net/http/pprof: unknown profile", hints.TEXT),
    Text(rb"(?:40[13] )?(?:Forbidden|Unauthorized|forbidden|unauthorized)\s*\Z", "a web server's refusal of access",
         "Give the user and password, or the token, that the server asks for: curl -u USER -o goroutines.stacks URL"),
    Text(rb"curl: \(\d+\) ", "an error of curl", hints.SIGNAL),
)  # fmt: skip

_LINES: Final = re.compile(rb"(?m)^(?=[^\r\n])(?:" + b"|".join(rb"(" + each.pattern + rb")" for each in TEXTS) + rb")")


def recognise(data: bytes) -> tuple[Text, int] | None:
    """The kind of a text, and where its first sign stands; None where no line tells. One scan for all kinds."""
    first: dict[int, int] = {}
    for match in _LINES.finditer(data, 0, SEARCH):
        if match.lastindex is not None:
            first.setdefault(match.lastindex, match.start())
    if not first:
        return None
    index = min(first)
    return TEXTS[index - 1], first[index]
