// The page of a comparison: the chart, the matrix, the table of stacks, and where the address leads.

/** A stack as Python writes it: {frames, creator, state, group, deciding, elided, idle, rules}. */
function stackOf([own, creator, state, deciding, elided, idle, rules], frames) {
  return { frames: own.map((n) => frames[n]), creator: creator === null ? null : frames[creator], state, group: stateGroup(state),
    deciding, elided, idle, rules };
}

/** Everything that the page knows, read once. */
const page = (() => {
  const report = JSON.parse(document.querySelector("script.report").textContent);
  const beside = JSON.parse(document.querySelector("script.beside").textContent);
  const frames = framesOf(beside);
  return {
    report, beside,
    captures: beside.names.map((name, n) => ({ name, time: beside.times[n] })),
    buckets: report.buckets.map((bucket, index) => ({ ...bucket, ...stackOf(beside.stacks[index], frames), index })),
    matrix: beside.matrix && matrixOf(beside, frames),
  };
})();

/** A place as a line: what the verdict says of it, its function, and its creator where that alone tells it apart. */
function lineOfPlace(standing, said, at, creator) {
  const reason = standing.wait_reason ? ` [${standing.wait_reason}]` : "";
  const name = `${at ? short(at) : "no frames"}${reason}${creator ? ` by ${creator.slice(creator.lastIndexOf("/") + 1)}` : ""}`;
  return { name, counts: standing.counts, mark: said && (said === "leaks" ? "alarm" : "warn"),
    words: `${name}: ${standing.counts.map(thousands).join(" → ")}${said && `, ${said}`}` };
}

function drawChart(place) {
  const { seconds, times } = page.beside;
  const lines = page.beside.lines.map(([n, ...words]) => lineOfPlace(page.report.standings[n], ...words));
  if (!lines.length) return;
  const toScale = seconds !== null && seconds[seconds.length - 1] > 0;
  makeChart(place, {
    title: `Goroutines by place over ${page.captures.length} captures`,
    words: lines.map((line) => shown(line.words)).join(". "),
    lines,
    at: toScale ? seconds : page.captures.map((_, n) => n),
    ticks: page.captures.map((_, n) => times[n] || (toScale ? later(seconds[n]) : `capture ${n + 1}`)),
  });
}

/** 0 → "0", 75 → "+75 s", 600 → "+10 min". */
function later(seconds) {
  if (!seconds) return "0";
  return seconds < 120 ? `+${Math.round(seconds)} s` : seconds < 7200 ? `+${Math.round(seconds / 60)} min` : `+${(seconds / 3600).toFixed(1)} h`;
}

/** The captures that get a column: all of a few, else the first and the last. */
function captureColumns() {
  const last = page.captures.length - 1;
  return last < 6 ? page.captures.map((_, n) => n) : [0, last];
}

function signed(number) {
  return number ? `${number > 0 ? "+" : "−"}${thousands(Math.abs(number))}` : "±0";
}

function makeBuckets(place) {
  const columns = [
    ["change", "Change", (bucket) => bucket.change, true],
    ...captureColumns().map((n) => [`capture-${n + 1}`, String(n + 1), (bucket) => bucket.counts[n], true]),
    ["most", "Over time", (bucket) => Math.max(...bucket.counts), true],
    ["words", "In words", (bucket) => bucket.verdict],
    ["state", "State", (bucket) => bucket.state],
    ["at", "At", (bucket) => decidingFrame(bucket)?.name || ""],
    ["created", "Created by", (bucket) => bucket.creator?.name || ""],
    ["rules", "Rule", (bucket) => bucket.rules.join(" ")],
  ];
  const rules = distinct(page.buckets.flatMap((bucket) => bucket.rules));
  return makeTable(place, {
    label: "Stacks over time",
    columns,
    all: page.buckets,
    inputs: filterInputs({
      q: textFilter("Function", "Filter stacks by function"),
      state: choice("Any state", "Filter stacks by state", distinct(page.buckets.map((bucket) => bucket.state))),
      verdict: choice("Any change", "Filter stacks by change", distinct(page.buckets.map((bucket) => bucket.verdict))),
      rule: rules.length && choice("Any rule", "Filter stacks by rule", rules),
      idle: page.buckets.some((bucket) => bucket.idle) && choice("With idle", "Idle goroutines", ["no"], { no: "Without idle" }),
    }),
    matches: (bucket, settings) =>
      (!settings.q || hasFunction(bucket, settings.q.toLowerCase())) &&
      (!settings.state || bucket.state === settings.state) &&
      (!settings.verdict || bucket.verdict === settings.verdict) &&
      (!settings.rule || bucket.rules.includes(settings.rule)) &&
      (settings.idle !== "no" || !bucket.idle),
    rows: (bucket) => bucketRows(bucket, columns.length),
    summary: (found) => `${count(found.length, "stack")}${found.length < page.buckets.length ? ` of ${thousands(page.buckets.length)}` : ""}`,
    changed: (settings) => address.write("stacks", settings),
  });
}

function bucketRows(bucket, columns) {
  const at = decidingFrame(bucket);
  const [open, opened] = opener(`Frames at ${at ? shown(short(at.name)) : "unknown"}`, signed(bucket.change), columns,
    () => [stayedLine(bucket), frameList(bucket), idLine(bucket)]);
  return [
    h("tr", { class: bucket.idle ? "aside" : "" },
      h("td", { class: "count" }, open),
      captureColumns().map((n) => h("td", { class: "number" }, thousands(bucket.counts[n]))),
      h("td", { class: "spark" }, curve(bucket.counts)),
      h("td", { class: bucket.verdict }, bucket.verdict),
      h("td", { class: "state" }, stateTag(bucket)),
      h("td", { class: "at" }, at ? frameLine(at) : "no frames"),
      h("td", { class: "created" }, bucket.creator ? frameLine(bucket.creator) : ""),
      h("td", { class: "rules" }, bucket.rules.join(", "))),
    opened,
  ];
}

function stayedLine(bucket) {
  const parts = [
    bucket.persisted ? `${thousands(bucket.persisted)} stayed` : "",
    bucket.waits_advanced ? `${thousands(bucket.waits_advanced)} waited without a break` : "",
    bucket.woke ? `${thousands(bucket.woke)} woke in between` : "",
    ...bucket.max_wait_minutes.slice(-1).map((most) => (most ? `waits up to ${minutes(most, most)}` : "")),
  ].filter(Boolean);
  return parts.length ? h("p", {}, parts.join(", ")) : "";
}

function idLine(bucket) {
  if (!page.matrix || !bucket.goroutine_ids.length) return "";
  return h("p", { class: "ids" }, "Goroutines ", bucket.goroutine_ids.map((id) => [goroutineButton(page, { id: String(id) }), " "]));
}

const parts = { };

/** Go where the address says. */
function follow() {
  const { anchor, settings } = address.read();
  const goroutine = /^goroutine-(\d+)$/.exec(anchor);
  if (goroutine) return showCourse(page, goroutine[1]);
  if (anchor === "matrix" && parts.matrix) parts.matrix.restore(settings);
  if (anchor === "stacks") parts.stacks.restore(settings);
  const target = anchor && document.getElementById(anchor);
  if (target) reveal(target);
}

ACTIONS["leak-goroutines"] = (button) => {
  const { leaks, places } = page.report.verdict;
  const [first] = leaks[Number(button.dataset.leak)].places;
  const q = places.find((place) => place.signature === first).function;
  (parts.matrix || parts.stacks).restore(new URLSearchParams({ q }));
  reveal(document.getElementById(parts.matrix ? "matrix" : "stacks"));
};

KEYS.unshift(
  ["/", "filter the goroutines by function or id", () => document.querySelector("#matrix input, #stacks input").focus()],
);

for (const cell of document.querySelectorAll("td.spark"))
  cell.append(curve(cell.dataset.counts.trim().split(" ").map((text) => (text === "-" ? null : Number(text)))));
drawChart(document.querySelector(".chart-place"));
parts.stacks = makeBuckets(document.querySelector(".stacks-place"));
if (page.matrix) parts.matrix = makeMatrix(page, document.querySelector(".matrix-place"));
window.addEventListener("hashchange", () => { address.forget(); follow(); });
follow();
