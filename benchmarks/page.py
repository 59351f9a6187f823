"""Measures pages of large dumps: their sizes, what it costs to make them, and how fast they are in a browser.

    python benchmarks/page.py [FILE ...] [--rounds N] [--browser PROGRAM]

Without FILE it makes two dumps with the fixture program `bigserver`, which needs Go. The cost is processor time of
`report --format html`, beside that of `--format json` in the same run. In the browser (headless Chromium), first paint
is what the browser says of it; an interaction lasts from its event until the frame that shows its result was painted.
Shown are the median of all rounds and, in parentheses, the longest.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from parsers import ROOT, make_dumps, unpacked

#: Names of interactions, and what happens in each: a function of the page that starts it.
INTERACTIONS = {
    "flame graph: search": "type(graph.querySelector('input[type=search]'), 'read')",
    "flame graph: search, nothing found": "type(graph.querySelector('input[type=search]'), 'nothing at all')",
    "flame graph: end of search": "type(graph.querySelector('input[type=search]'), '')",
    "flame graph: zoom": "graph.querySelectorAll('.box')[1].click()",
    "flame graph: zoom again": "graph.querySelectorAll('.box')[2].click()",
    "flame graph: zoom out": "graph.querySelectorAll('.controls button')[0].click()",
    "flame graph: colour": "pick(graph.querySelector('select'), 'module')",
    "table: filter by function": "type(table.querySelector('input[type=search]'), 'http')",
    "table: no filter": "type(table.querySelector('input[type=search]'), '')",
    "table: sort by state": "table.querySelector('th.state button').click()",
    "table: sort by count": "table.querySelector('th.count button').click()",
    "table: more rows": "table.querySelector('.stacks-place > button').click()",
    "table: open the row of most goroutines": "table.querySelector('button.open').click()",
    "goroutine: open": "table.querySelector('.ids button').click()",
    "goroutine: its creator": "document.querySelector('dialog.goroutine dd button')?.click()",
    "goroutine: close": "document.querySelector('dialog.goroutine').close()",
    "finding: its stacks": "document.querySelector('[data-do=finding-stacks]')?.click()",
    "theme": "document.querySelector('[data-do=theme]').click()",
}
_MEASURE = """
async () => {
  const graph = document.querySelector("section.flame"), table = document.querySelector("section.stacks");
  const type = (input, text) => { input.value = text; input.dispatchEvent(new Event("input", { bubbles: true })); };
  const pick = (input, text) => { input.value = text; input.dispatchEvent(new Event("change", { bubbles: true })); };
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(null);
  }));
  await painted();
  const begin = performance.now();
  ACTION;
  await painted();
  return performance.now() - begin;
}
"""
_PAINTED = """
() => new Promise((done) => new PerformanceObserver((list) => {
  const found = list.getEntriesByName("first-contentful-paint");
  if (found.length) done(found[0].startTime);
}).observe({ type: "paint", buffered: true }))
"""


def processor_seconds(dump: Path, output_format: str, page: Path) -> float:
    """What one whole process takes to write this output."""
    command = [sys.executable, "-m", "stackscan", "report", "--format", output_format, "--output", str(page), str(dump)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, cwd=ROOT, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cost(dump: Path, page: Path, rounds: int) -> float:
    """The processor time of a page as a multiple of that of the JSON report: medians of rounds in turn."""
    seconds: dict[str, list[float]] = {"html": [], "json": []}
    for _ in range(rounds):
        for name, taken in seconds.items():
            taken.append(processor_seconds(dump, name, page.with_suffix(f".{name}")))
    return statistics.median(seconds["html"]) / statistics.median(seconds["json"])


def painted(page: Page, file: Path) -> float:
    """Milliseconds until the first text is on the screen."""
    page.goto(file.as_uri())
    first: float = page.evaluate(_PAINTED)
    return first


def interactions(page: Page) -> dict[str, float]:
    """Milliseconds of each interaction on a page that was opened, and of the wait for its graph and table."""
    found = {}
    for part in ("flame", "stacks"):
        action = f"document.querySelector('section.{part}').scrollIntoView()"
        found[f"scroll to the {part}"] = page.evaluate(_MEASURE.replace("ACTION", action))
    page.wait_for_selector("button.open")
    for name, action in INTERACTIONS.items():
        found[name] = page.evaluate(_MEASURE.replace("ACTION", action))
        page.wait_for_timeout(30)
    return found


def in_browser(browser: Browser, file: Path, rounds: int) -> dict[str, str]:
    """First paint and each interaction: milliseconds, as the table shows them."""
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
        page = context.new_page()
        found = {"first paint": painted(page, file), **interactions(page)}
        context.close()
        for name, milliseconds in found.items():
            taken.setdefault(name, []).append(milliseconds)
    return {name: f"{statistics.median(each):.0f} ms ({max(each):.0f})" for name, each in taken.items()}


def table(names: list[str], columns: list[dict[str, str]]) -> None:
    """Print results as a Markdown table, one column for each dump."""
    print("| | " + " | ".join(names) + " |")
    print("| --- |" + " --: |" * len(names))
    for key in columns[0]:
        print(f"| {key} | " + " | ".join(column[key] for column in columns) + " |")


def measured(browser: Browser, dump: Path, rounds: int) -> dict[str, str]:
    """All that is measured of the page of one dump."""
    page = dump.with_suffix(".page.html")
    times = cost(dump, page, rounds)
    made = page.with_suffix(".html")
    size = f"{made.stat().st_size / 1e6:.2f} MB"
    return {"size": size, "processor time, × JSON": f"{times:.2f}", **in_browser(browser, made, rounds)}


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a full-text dump, also .gz")
    parser.add_argument("--rounds", type=int, default=5, help="times that each thing is measured [5]")
    parser.add_argument("--browser", default="/usr/bin/chromium", help="Chromium or Chrome [/usr/bin/chromium]")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        files = [_copied(path, folder) for path in args.files] or make_dumps(folder)
        no_sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=args.browser, args=no_sandbox)
        columns = [measured(browser, path, args.rounds) for path in files]
        browser.close()
        table([f"{path.name}, {path.stat().st_size / 1e6:.1f} MB" for path in files], columns)


def _copied(path: Path, folder: Path) -> Path:
    """The dump in a folder where its pages may be written."""
    found = unpacked(path, folder)
    link = folder / found.name
    if not link.exists():
        link.symlink_to(found)
    return link


if __name__ == "__main__":
    main()
