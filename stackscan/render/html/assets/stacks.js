// The table of stacks: sorted, filtered, each opened to its frames and goroutines.

const IDS = 200;
const COLUMNS = [
  ["count", "Goroutines", (bucket) => bucket.count, true],
  ["state", "State", (bucket) => bucket.state],
  ["wait", "Longest wait", (bucket) => bucket.most, true],
  ["at", "At", (bucket) => decidingFrame(bucket)?.name || ""],
  ["created", "Created by", (bucket) => bucket.creator?.name || ""],
  ["rules", "Rule", (bucket) => bucket.rules.join(" ")],
];

function makeStacks(capture, place) {
  const narrowed = { among: null, why: "", finding: "" };
  const chip = h("p", { class: "chip" });
  const table = makeTable(place, {
    label: "Table of stacks",
    columns: COLUMNS,
    get all() { return shownBuckets(capture); },
    inputs: stackInputs(capture),
    above: chip,
    matches: (bucket, settings) => (!narrowed.among || narrowed.among.has(bucket.index)) && stackMatches(bucket, settings),
    rows: (bucket) => rows(capture, bucket),
    summary: (found) => {
      const total = found.reduce((sum, bucket) => sum + bucket.count, 0);
      const all = capture.buckets.length;
      return `${count(total, "goroutine")} in ${count(found.length, "stack")}${found.length < all ? ` of ${thousands(all)}` : ""}`;
    },
    changed: (settings) => address.write(`${capture.anchor}stacks`, { ...settings, finding: narrowed.finding, ...choiceSettings(capture) }),
  });

  /** Show only some buckets (null: all), and say why; `finding` is the number of the finding whose buckets they are. */
  function narrow(among, why, finding) {
    narrowed.among = among;
    narrowed.why = why;
    narrowed.finding = finding || "";
    chip.replaceChildren();
    const all = () => { narrow(null, ""); table.changed(); };
    if (among) append(chip, [`Only ${shown(why)} `, h("button", { type: "button", click: all }, "Show all")]);
    table.fill();
  }

  return { narrow, restore: table.restore, fill: table.fill };
}

function stackMatches(bucket, settings) {
  const q = settings.q.toLowerCase();
  const label = (settings.label || "").toLowerCase();
  return (!settings.state || bucket.state === settings.state) &&
    (!Number(settings.wait) || bucket.most >= Number(settings.wait)) &&
    (!settings.module || bucket.modules.has(settings.module === "own code" ? "" : settings.module)) &&
    (!settings.rule || bucket.rules.includes(settings.rule)) &&
    (settings.idle !== "no" || !bucket.idle) &&
    (!label || bucket.labels.some(([text]) => text.toLowerCase().includes(label))) &&
    (!q || hasFunction(bucket, q));
}

function stackInputs(capture) {
  const states = distinct(capture.buckets.map((bucket) => bucket.state));
  const rules = distinct(capture.buckets.flatMap((bucket) => bucket.rules));
  const modules = distinct(capture.buckets.flatMap((bucket) => [...bucket.modules])).map((name) => name || "own code");
  const labelled = capture.buckets.some((bucket) => bucket.labels.length);
  return filterInputs({
    q: textFilter("Function", "Filter by function"),
    state: choice("Any state", "Filter by state", states),
    wait: h("input", { type: "number", min: "0", placeholder: "≥ minutes", "aria-label": "Waits at least so many minutes" }),
    module: choice("Any module", "Filter by module", modules),
    rule: rules.length && choice("Any rule", "Filter by rule", rules),
    label: labelled && textFilter("Label", "Filter by label"),
    idle: capture.buckets.some((bucket) => bucket.idle) && choice("With idle", "Idle goroutines", ["no"], { no: "Without idle" }),
  });
}

function rows(capture, bucket) {
  const at = decidingFrame(bucket);
  const label = `Frames of ${count(bucket.count, "goroutine")} at ${at ? shown(short(at.name)) : "unknown"}`;
  const [open, opened] = opener(label, thousands(bucket.count), COLUMNS.length,
    () => [frameList(bucket), labelsOf(bucket), idsOf(capture, bucket)]);
  return [
    h("tr", { class: bucket.idle ? "aside" : "" },
      h("td", { class: "count" }, open),
      h("td", { class: "state" }, stateTag(bucket)),
      h("td", { class: "wait" }, minutes(bucket.least, bucket.most)),
      h("td", { class: "at" }, at ? frameLine(at) : "no frames"),
      h("td", { class: "created" }, bucket.creator ? frameLine(bucket.creator) : ""),
      h("td", { class: "rules" }, bucket.rules.join(", "))),
    opened,
  ];
}

function labelsOf(bucket) {
  return bucket.labels.length
    ? h("p", { class: "labels" }, "Labels: ", bucket.labels.slice(0, 20).map(([text, n]) => h("span", { class: "label" }, `${text} × ${thousands(n)} `)))
    : "";
}

function idsOf(capture, bucket) {
  const all = goroutinesOf(capture, bucket).filter((one) => one.id !== null);
  if (!all.length) return "";
  const list = h("p", { class: "ids" }, `${all.length === 1 ? "Goroutine" : "Goroutines"} `);
  let given = 0;
  const more = h("button", { type: "button", click: () => add() }, "more");
  function add() {
    more.remove();
    append(list, all.slice(given, given + IDS).map((one) => [goroutineLink(capture, one.id), " "]));
    given += IDS;
    if (given < all.length) list.append(more);
  }
  add();
  return list;
}
