// The table of stacks: sorted, filtered, each opened to its frames and goroutines.

const ROWS = 100;
const IDS = 200;
const COLUMNS = [
  ["count", "Goroutines", (bucket) => bucket.count],
  ["state", "State", (bucket) => bucket.state],
  ["wait", "Longest wait", (bucket) => bucket.most],
  ["at", "At", (bucket) => decidingFrame(bucket)?.name || ""],
  ["created", "Created by", (bucket) => bucket.creator?.name || ""],
  ["rules", "Rule", (bucket) => bucket.rules.join(" ")],
];
const FILTERS = ["q", "state", "wait", "module", "rule", "label", "idle", "sort", "down", "finding"];

function makeStacks(capture, place) {
  const settings = { q: "", state: "", wait: "", module: "", rule: "", label: "", idle: "", sort: "", down: "", finding: "" };
  const narrowed = { among: null, why: "" };
  const inputs = controls(capture, changed);
  const summary = h("p", { class: "summary-line" });
  const chip = h("p", { class: "chip" });
  const head = h("tr", {});
  const body = h("tbody", {});
  const more = h("button", { type: "button", click: () => { shownRows += ROWS * 2; fill(); } }, "Show more");
  let shownRows = ROWS;
  place.append(
    h("div", { class: "controls" }, Object.values(inputs.elements)), chip, summary,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Table of stacks" },
      h("table", { class: "stack-table" }, h("thead", {}, head), body)), more);
  head.append(...COLUMNS.map(([key, title]) => header(key, title)));

  function header(key, title) {
    return h("th", { scope: "col", class: key, "data-key": key },
      h("button", { type: "button", click: () => { sortBy(key); } }, title));
  }

  function sortBy(key) {
    const [now, down] = order();
    settings.sort = key;
    settings.down = now === key ? (down ? "no" : "yes") : (key === "count" || key === "wait" ? "yes" : "no");
    changed();
  }

  function order() {
    return [settings.sort || "count", (settings.down || "yes") === "yes"];
  }

  function changed() {
    Object.assign(settings, inputs.read());
    shownRows = ROWS;
    fill();
    address.write(`${capture.anchor}stacks`, settings);
  }

  function matching() {
    const q = settings.q.toLowerCase();
    const least = Number(settings.wait) || 0;
    const label = settings.label.toLowerCase();
    return capture.buckets.filter((bucket) =>
      (!narrowed.among || narrowed.among.has(bucket.index)) &&
      (!settings.state || bucket.state === settings.state) &&
      (!least || bucket.most >= least) &&
      (!settings.module || bucket.modules.has(settings.module === "own code" ? "" : settings.module)) &&
      (!settings.rule || bucket.rules.includes(settings.rule)) &&
      (settings.idle !== "no" || !bucket.idle) &&
      (!label || bucket.labels.some(([text]) => text.toLowerCase().includes(label))) &&
      (!q || bucket.frames.some((frame) => frame.name.toLowerCase().includes(q)) || bucket.creator?.name.toLowerCase().includes(q)));
  }

  function fill() {
    const found = matching();
    const [key, down] = order();
    const value = COLUMNS.find(([name]) => name === key)[2];
    found.sort((a, b) => compare(value(a), value(b)) * (down ? -1 : 1) || a.index - b.index);
    for (const cell of head.children)
      cell.setAttribute("aria-sort", cell.dataset.key === key ? (down ? "descending" : "ascending") : "none");
    body.replaceChildren(...found.slice(0, shownRows).flatMap((bucket) => rows(capture, bucket)));
    more.hidden = found.length <= shownRows;
    const total = found.reduce((sum, bucket) => sum + bucket.count, 0);
    const all = capture.buckets.length;
    summary.textContent = `${count(total, "goroutine")} in ${count(found.length, "stack")}${found.length < all ? ` of ${thousands(all)}` : ""}`;
    chip.replaceChildren();
    if (narrowed.among) append(chip, [`Only ${shown(narrowed.why)} `, h("button", { type: "button", click: () => { narrow(null, ""); changed(); } }, "Show all")]);
  }

  /** Show only some buckets (null: all), and say why; `finding` is the number of the finding whose buckets they are. */
  function narrow(among, why, finding) {
    narrowed.among = among;
    narrowed.why = why;
    settings.finding = finding || "";
    shownRows = ROWS;
    fill();
  }

  function restore(found) {
    for (const name of FILTERS) settings[name] = found.get(name) || "";
    inputs.write(settings);
    if (!COLUMNS.some(([name]) => name === settings.sort)) settings.sort = "";
    fill();
  }

  fill();
  return { narrow, restore, fill };
}

function compare(a, b) {
  return typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;
}

function controls(capture, changed) {
  const of = (values) => [...new Set(values)].sort();
  const states = of(capture.buckets.map((bucket) => bucket.state));
  const rules = of(capture.buckets.flatMap((bucket) => bucket.rules));
  const modules = of(capture.buckets.flatMap((bucket) => [...bucket.modules])).map((name) => name || "own code");
  const labelled = capture.buckets.some((bucket) => bucket.labels.length);
  const q = h("input", { type: "search", placeholder: "Function", "aria-label": "Filter by function", input: changed });
  const state = choice("Any state", "Filter by state", states, changed);
  const wait = h("input", { type: "number", min: "0", placeholder: "Minutes", "aria-label": "Waits at least so many minutes", input: changed });
  const module = choice("Any module", "Filter by module", modules, changed);
  const rule = choice("Any rule", "Filter by rule", rules, changed);
  const label = h("input", { type: "search", placeholder: "Label", "aria-label": "Filter by label", input: changed });
  const idle = choice("With idle", "Idle goroutines", ["no"], changed, { no: "Without idle" });
  const all = { q, state, wait, module, rule: rules.length ? rule : null, label: labelled ? label : null,
    idle: capture.buckets.some((bucket) => bucket.idle) ? idle : null };
  const elements = Object.fromEntries(Object.entries(all).filter(([, element]) => element));
  return {
    elements,
    read: () => Object.fromEntries(Object.entries(elements).map(([name, element]) => [name, element.value])),
    write: (values) => { for (const [name, element] of Object.entries(elements)) element.value = values[name] || ""; },
  };
}

function choice(all, label, values, changed, names) {
  return h("select", { "aria-label": label, change: changed }, h("option", { value: "" }, all),
    values.map((value) => h("option", { value }, (names || {})[value] || value)));
}

function rows(capture, bucket) {
  const at = decidingFrame(bucket);
  const opened = h("tr", { class: "opened", hidden: true });
  const open = h("button", { type: "button", class: "open", "aria-expanded": "false",
    "aria-label": `Frames of ${count(bucket.count, "goroutine")} at ${at ? shown(short(at.name)) : "unknown"}`,
    click: () => toggle(capture, bucket, open, opened) }, thousands(bucket.count));
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

function toggle(capture, bucket, open, opened) {
  const now = open.getAttribute("aria-expanded") !== "true";
  open.setAttribute("aria-expanded", String(now));
  opened.hidden = !now;
  if (now && !opened.firstChild)
    opened.append(h("td", { colspan: String(COLUMNS.length) }, frameList(bucket), labelsOf(bucket), idsOf(capture, bucket)));
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
