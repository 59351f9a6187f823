// What if: sliders over values that the pool model computed beforehand. Nothing is computed here but a wait in seconds,
// from one in close deadlines.

const modelWords = {
  /** 0.128 → "12.8%". */
  share(value) {
    if (value === 0) return "0%";
    if (value < 1e-4) return "< 0.01%";
    return value >= 0.9995 && value < 1 ? "> 99.9%" : `${modelWords.digits(value * 100)}%`;
  },

  /** 0.0608 → "60.8 ms". */
  duration(seconds) {
    const { digits } = modelWords;
    if (seconds < 1e-6) return seconds ? "< 1 µs" : "0 s";
    if (seconds < 0.1) return seconds < 1e-3 ? `${digits(seconds * 1e6)} µs` : `${digits(seconds * 1e3)} ms`;
    if (seconds < 120) return `${digits(seconds)} s`;
    return seconds < 7200 ? `${digits(seconds / 60)} min` : `${modelWords.number(seconds / 3600)} h`;
  },

  /** 1234.5 → "1,235", 6.754 → "6.75". */
  number(value) {
    return value >= 100 ? thousands(Math.round(value)) : modelWords.digits(value);
  },

  digits(value) {
    return String(Number(value.toPrecision(3)));
  },
};

/** The sliders of a pool, in words: what each is called, and what a value of it says. */
const SLIDERS = {
  workers: { title: "Workers", says: (value) => thousands(value) },
  deadlines: { title: "Close deadline", says: (value) => modelWords.duration(value) },
  silent: {
    share: { title: "Silent peers", says: (value) => modelWords.share(value) },
    "per second": { title: "Silent sends a second", says: (value) => modelWords.number(value) },
    erlangs: { title: "Load of silent peers, in erlangs", says: (value) => modelWords.number(value) },
  },
};

function makeWhatIf(place) {
  const grid = JSON.parse(place.querySelector("script").textContent);
  const anchor = place.id;
  const kinds = { workers: SLIDERS.workers, deadlines: SLIDERS.deadlines, silent: SLIDERS.silent[grid.unit] };
  const start = { workers: grid.start[0], deadlines: grid.start[1], silent: grid.start[2] };
  const sliders = Object.fromEntries(Object.entries(kinds)
    .filter(([name]) => grid[name].length > 1)
    .map(([name, kind]) => [name, slider(name, kind)]));
  const headline = h("p", { class: "headline", "aria-live": "polite" });
  const results = h("tbody", {});
  const now = h("button", { type: "button", click: () => { set({ ...start }); } }, "As it is");

  function slider(name, kind) {
    const id = `${anchor}-${name}`;
    const output = h("output", { for: id });
    const input = h("input", { type: "range", id, min: "0", max: String(grid[name].length - 1), step: "1", input: changed });
    return { input, output, kind, element: h("div", { class: "slider" }, h("label", { for: id }, kind.title), input, output) };
  }

  function chosen() {
    return Object.fromEntries(Object.keys(kinds).map((name) => [name, name in sliders ? Number(sliders[name].input.value) : start[name]]));
  }

  function set(places) {
    for (const [name, { input }] of Object.entries(sliders)) input.value = String(places[name]);
    fill();
    address.write(anchor);
  }

  function changed() {
    fill();
    const at = chosen();
    const moved = Object.keys(sliders).filter((name) => at[name] !== start[name]);
    address.write(anchor, Object.fromEntries(moved.map((name) => [name, String(grid[name][at[name]])])));
  }

  /** Take the values that an address names, each at its nearest step. */
  function restore(settings) {
    for (const [name, { input }] of Object.entries(sliders)) {
      const wanted = Number(settings.get(name));
      const place = settings.get(name) === null || Number.isNaN(wanted) ? start[name] : nearest(grid[name], wanted);
      input.value = String(place);
    }
    fill();
  }

  function fill() {
    const at = chosen();
    for (const [name, { input, output, kind }] of Object.entries(sliders)) {
      const value = kind.says(grid[name][at[name]]);
      const before = (name === "silent" && grid.atLeast ? "at least " : "") + kind.says(grid[name][start[name]]);
      output.textContent = at[name] === start[name] ? `${before}, as it is` : `${value} (is ${before})`;
      input.setAttribute("aria-valuetext", value);
    }
    const found = lookUp(grid, at);
    const least = grid.atLeast && at.silent === start.silent;
    headline.textContent = (least ? "at the least load, " : "") + whatIfHeadline(found);
    headline.className = `headline ${least && whatIfLevel(found) === "ok" ? "warning" : whatIfLevel(found)}`;
    results.replaceChildren(...whatIfRows(found));
    now.disabled = Object.keys(sliders).every((name) => at[name] === start[name]);
  }

  append(place, [
    h("h4", {}, "What if …"),
    grid.beside && h("p", { class: "hint" }, "Streams are closed outside the pool already: this is what the pool is spared."),
    grid.atLeast && h("p", { class: "hint" }, "A full pool shows only the least load, and waits are longer at any larger one: move the silent sends to what you expect."),
    h("div", { class: "sliders" }, Object.values(sliders).map((each) => each.element), now),
    headline,
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "What if" },
      h("table", { class: "plain what-if-results" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Streams are closed"), h("th", { scope: "col", class: "number" }, "in the worker"),
          h("th", { scope: "col", class: "number" }, "outside the pool"))), results)),
    h("p", { class: "hint" }, grid.exact ? "Computed by the pool model before this page was written (exact M/D/c)."
      : "Computed by the pool model before this page was written (short simulations: two digits)."),
  ]);
  restore(new URLSearchParams());
  return { restore };
}

/** What the grid says of one combination: waits in seconds, or in holding times where the deadline is not known. */
function lookUp(grid, at) {
  const place = grid.places[at.deadlines][at.silent];
  const fixed = grid.fixed.length ? grid.fixed[at.workers] : [0, 0];
  const column = place === null ? { load: 0, closers: [0, 0], waits: null } : grid.columns[place];
  const [chance, mean] = column.waits === null ? fixed : column.waits[at.workers];
  const unit = column.waits === null ? 1 : grid.deadlines[at.deadlines];
  return {
    workers: grid.workers[at.workers], load: column.load, closers: column.closers, inSeconds: grid.unit !== "erlangs",
    now: { chance, mean: mean === null ? null : mean * unit }, fixed: { chance: fixed[0], mean: fixed[1] },
  };
}

function whatIfLevel({ now }) {
  if (now.chance === null || (now.mean !== null && now.chance >= 0.05)) return "warning";
  return now.mean === null ? "error" : "ok";
}

function whatIfHeadline(found) {
  const load = `${modelWords.number(found.load)} of ${thousands(found.workers)} erlangs`;
  const { chance, mean } = found.now;
  if (chance === null) return `${load}: nearly saturated; only a simulation could say more`;
  if (mean === null) return `${load}: saturated, the queue grows for as long as this lasts`;
  return `${load}: ${modelWords.share(chance)} of tasks wait; mean wait over all tasks ${meanWait(found, mean)}`;
}

function meanWait(found, mean) {
  return found.inSeconds ? modelWords.duration(mean) : `${modelWords.digits(mean)} holding times`;
}

function whatIfRows(found) {
  const { now, fixed } = found;
  const chance = (one) => one.chance === null ? "not known" : one.mean === null ? "all" : modelWords.share(one.chance);
  const mean = (one) => one.chance === null ? "not known" : one.mean === null ? "grows" : meanWait(found, one.mean);
  const [about, most] = found.closers;
  const rows = [
    ["tasks that wait", chance(now), chance(fixed)],
    ["mean wait", mean(now), mean(fixed)],
    ["closers at a time", "0", about ? `about ${modelWords.number(about)}, ${thousands(most)} at p99.9` : "0"],
  ];
  return rows.map(([title, ...cells]) => h("tr", {}, h("th", { scope: "row" }, title), cells.map((cell) => h("td", { class: "number" }, cell))));
}

function nearest(values, wanted) {
  const distances = values.map((value) => Math.abs(value - wanted));
  return distances.indexOf(Math.min(...distances));
}

/** The sliders of a place, made when it comes near the screen or an address names it. */
function whatIf(place) {
  place.made = place.made || makeWhatIf(place);
  return place.made;
}

/** Set the sliders that the address names. */
function followWhatIf() {
  const { anchor, settings } = address.read();
  const place = anchor && document.getElementById(anchor);
  if (!place || !place.matches(".what-if")) return;
  whatIf(place).restore(settings);
  reveal(place);
}

function watchWhatIfs() {
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); whatIf(entry.target); }
  }, { rootMargin: "400px" });
  for (const place of document.querySelectorAll(".what-if")) near.observe(place);
}

window.addEventListener("hashchange", followWhatIf);
watchWhatIfs();
followWhatIf();
