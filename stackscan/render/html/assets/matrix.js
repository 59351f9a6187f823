// Goroutines × captures: a row for each crowd that did the same, which opens to its goroutines.

const CROWDS = 60;
const ALONE = 50;
const LETTERS = { running: "R", lock: "L", channel: "C", io: "N", timer: "T", runtime: "S", other: "?" };

/** The matrix as objects: {courses, crowds}, with {course, count, companions, last} for each crowd. */
function matrixOf(beside, frames) {
  const stacks = beside.matrix.stacks.map((stack) => stackOf(stack, frames));
  const crowds = beside.matrix.crowds.map(([course, companions]) => {
    const all = companions.map(([at, ids, minutes]) => ({ at: at.map((n) => (n === null ? null : stacks[n])), packed: ids, waits: minutes }));
    return { course, companions: all, count: all.reduce((sum, each) => sum + each.packed.length, 0),
      last: all[0].at.findLast((stack) => stack !== null) };
  });
  return { courses: beside.matrix.courses, crowds };
}

/** The goroutines of a crowd: {id, at, minutes}, with a stack and minutes for each capture. */
function single(crowd) {
  return (crowd.single ||= crowd.companions.flatMap(({ at, packed, waits }) => {
    const ids = summed(packed);
    const columns = waits.map((minutes) => column(minutes, ids.length));
    return ids.map((id, n) => ({ id: String(id), at, minutes: columns.map((each) => each[n]), crowd }));
  }));
}

function goroutineById(matrix, id) {
  matrix.byId ||= new Map(matrix.crowds.flatMap(single).map((one) => [one.id, one]));
  return matrix.byId.get(id);
}

function makeMatrix(page, place) {
  const { matrix } = page;
  const settings = { q: "", state: "", course: "" };
  const states = distinct(matrix.crowds.flatMap((crowd) => crowd.companions[0].at.flatMap((stack) => (stack ? [stack.state] : []))));
  const present = matrix.courses.filter((_, n) => matrix.crowds.some((crowd) => crowd.course === n));
  const inputs = filterInputs({
    q: textFilter("Function or goroutine id", "Filter goroutines by function or id"),
    state: choice("Any state", "Filter goroutines by state", states),
    course: choice("All goroutines", "Filter by what goroutines did", present.map(([name]) => name), Object.fromEntries(present)),
  });
  const summary = h("p", { class: "summary-line" });
  const table = h("table", { class: "matrix-table" + (page.captures.length > 6 ? " many" : "") },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Goroutines"), page.captures.map((capture, n) => captureHead(capture, n)))));
  const more = h("button", { type: "button", click: () => { limit += CROWDS * 5; draw(); } }, "Show more");
  let limit = CROWDS;
  place.append(h("div", { class: "controls" }, Object.values(inputs.elements)), matrixLegend(), summary,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Goroutines in each capture" }, table), more);
  inputs.listen(() => { fill(); address.write("matrix", settings); });

  function fill() {
    Object.assign(settings, inputs.read());
    limit = CROWDS;
    draw();
  }

  function matches(crowd) {
    const q = settings.q.trim().toLowerCase();
    const stacks = crowd.companions.flatMap((each) => each.at).filter(Boolean);
    return (!settings.course || matrix.courses[crowd.course][0] === settings.course) &&
      (!settings.state || stacks.some((stack) => stack.state === settings.state)) &&
      (!q || (/^\d+$/.test(q) ? goroutineById(matrix, q)?.crowd === crowd : stacks.some((stack) => hasFunction(stack, q))));
  }

  function draw() {
    const found = matrix.crowds.filter(matches);
    const shownCrowds = found.slice(0, limit);
    for (const body of [...table.tBodies]) body.remove();
    matrix.courses.forEach((course, n) => {
      const among = shownCrowds.filter((crowd) => crowd.course === n);
      const all = found.filter((crowd) => crowd.course === n);
      if (among.length) table.append(courseBody(page, course, among, all));
    });
    more.hidden = found.length <= limit;
    const total = matrix.crowds.reduce((sum, crowd) => sum + crowd.count, 0);
    const here = found.reduce((sum, crowd) => sum + crowd.count, 0);
    summary.textContent = `${here < total ? `${thousands(here)} of ` : ""}${count(total, "goroutine")} in ${count(found.length, "row")}`;
  }

  /** Filter as an address or a button says. */
  function restore(values) {
    inputs.write({ q: values.get("q"), state: values.get("state"), course: values.get("course") });
    fill();
  }

  fill();
  return { restore };
}

function captureHead(capture, n) {
  return h("th", { scope: "col", title: shown(capture.name) }, String(n + 1), capture.time ? h("small", {}, ` ${capture.time}`) : "");
}

function matrixLegend() {
  return h("p", { class: "legend" }, Object.keys(LETTERS).map((name) => h("span", { class: `key ${name}` }, `${LETTERS[name]}: ${LEGEND[name]}`)),
    h("span", { class: "key elsewhere" }, "in another function"));
}

function courseBody(page, [, title, words], crowds, all) {
  const total = all.reduce((sum, crowd) => sum + crowd.count, 0);
  return h("tbody", {},
    h("tr", { class: "course" }, h("th", { scope: "rowgroup", colspan: page.captures.length + 1 },
      h("strong", {}, title), ` ${count(total, "goroutine")}: ${words}`)),
    crowds.map((crowd) => crowdRow(page, crowd)));
}

function crowdRow(page, crowd) {
  const where = decidingFrame(crowd.last);
  const longest = crowd.companions[0].at.map((_, n) =>
    Math.max(...crowd.companions.map(({ waits }) => (Array.isArray(waits[n]) ? waits[n].reduce((a, b) => Math.max(a, b), 0) : waits[n]))));
  const open = crowd.count === 1
    ? goroutineButton(page, single(crowd)[0])
    : h("button", { type: "button", class: "open", "aria-expanded": "false", click: () => toggleCrowd(page, crowd, open) },
      count(crowd.count, "goroutine"));
  return h("tr", { class: "crowd" },
    h("th", { scope: "row" }, open, " ", where ? frameLine(where) : "no frames", rulesOf(page, crowd.last)),
    tiles(crowd.companions[0].at, longest, where));
}

/** The rules that caught a stack; those of idle goroutines say nothing that needs a reader's eye. */
function rulesOf(page, stack) {
  const alarming = page.report.findings.some((finding) => finding.severity !== "info" && stack.rules.includes(finding.rule));
  return stack.rules.length ? h("small", { class: alarming ? "role-alarm" : "role-note" }, ` ${stack.rules.join(", ")}`) : "";
}

function goroutineButton(page, one) {
  return h("button", { type: "button", class: "link", click: () => showCourse(page, one.id) }, `goroutine ${one.id}`);
}

/** A cell for each capture: the state as colour, letter and word, and the longest wait. */
function tiles(at, waits, where) {
  return at.map((stack, n) => {
    if (!stack) return h("td", { class: "cell" }, h("span", { class: "tile none" }, "–", h("span", { class: "unseen" }, " not there")));
    const here = decidingFrame(stack);
    const elsewhere = here?.name !== where?.name;
    const wait = minutes(waits[n], waits[n]);
    const words = `${stack.state}${wait ? `, ${wait}` : ""}${here ? `, ${short(here.name)}` : ""}`;
    return h("td", { class: "cell" }, h("span", { class: `tile ${stack.group}${elsewhere ? " elsewhere" : ""}`, title: shown(words) },
      h("b", { "aria-hidden": "true" }, LETTERS[stack.group]), h("span", { class: "word" }, ` ${stack.state}`),
      wait ? h("span", { class: "minutes" }, ` ${wait}`) : "",
      elsewhere ? h("span", { class: "unseen" }, ` in ${here ? short(here.name) : "no frames"}`) : ""));
  });
}

/** Open a crowd to its goroutines, some at a time, or close it. */
function toggleCrowd(page, crowd, open) {
  const now = open.getAttribute("aria-expanded") !== "true";
  open.setAttribute("aria-expanded", String(now));
  const row = open.closest("tr");
  if (now) return row.after(...aloneRows(page, crowd, 0));
  while (row.nextElementSibling?.matches(".alone")) row.nextElementSibling.remove();
}

function aloneRows(page, crowd, from) {
  const all = single(crowd);
  const where = decidingFrame(crowd.last);
  const rows = all.slice(from, from + ALONE).map((one) => h("tr", { class: "alone" },
    h("th", { scope: "row" }, goroutineButton(page, one)), tiles(one.at, one.minutes, where)));
  const left = all.length - from - ALONE;
  if (left <= 0) return rows;
  const next = h("tr", { class: "alone" }, h("th", { scope: "row", colspan: page.captures.length + 1 },
    h("button", { type: "button", click: () => { const more = aloneRows(page, crowd, from + ALONE); next.replaceWith(...more); more[0].querySelector("button").focus(); } },
      `Show more of ${thousands(left)}`)));
  return [...rows, next];
}

/** One goroutine: its stack in each capture; one that it was in before is not shown again. */
function showCourse(page, id) {
  const one = page.matrix && goroutineById(page.matrix, id);
  if (!one) return announce(`Goroutine ${id} is in no capture.`);
  const [, title, words] = page.matrix.courses[one.crowd.course];
  const before = new Map();
  goroutineDialog(id, `goroutine-${id}`, h("p", {}, h("strong", {}, title), `: ${words}.`), one.at.map((stack, n) => {
    const seen = stack && before.get(stack);
    if (stack && !seen) before.set(stack, n + 1);
    return [h("h3", {}, `Capture ${n + 1} `, h("small", {}, page.captures[n].time || page.captures[n].name)),
      stack ? h("p", {}, stateTag(stack), one.minutes[n] ? ` for ${minutes(one.minutes[n], one.minutes[n])}` : "",
        seen ? `, in the same stack as in capture ${seen}` : "") : h("p", { class: "hint" }, "Not there."),
      stack && !seen ? frameList(stack) : ""];
  }));
}
