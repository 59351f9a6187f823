// The flame graph: stacks that begin alike are joined, from the outermost function (top) to the innermost.

const MOST_LEVELS = 400;
/** A box of fewer pixels can hardly be seen, let alone hit; one of as many as a few letters has a text. */
const NARROWEST = 2;
const LEGIBLE = 30;
/** More boxes cannot be drawn before a reader notices. */
const MOST_BOXES = 1500;

/** The tree of some buckets: {name, count, module, groups, children, buckets}; `name` is what all of them are. */
function flameTree(buckets, name) {
  const root = node(name, "");
  for (const bucket of buckets) {
    enter(root, bucket);
    let at = root;
    for (let n = bucket.frames.length - 1; n >= 0; n -= 1) {
      const frame = bucket.frames[n];
      const known = at.children.get(frame.name);
      if (known) at = known;
      else {
        const fresh = node(frame.name, frame.module);
        at.children.set(frame.name, fresh);
        at = fresh;
      }
      enter(at, bucket);
    }
  }
  return root;
}

function node(name, module) {
  return { name, module, count: 0, groups: {}, children: new Map(), buckets: [] };
}

function enter(at, bucket) {
  at.count += bucket.count;
  at.groups[bucket.group] = (at.groups[bucket.group] || 0) + bucket.count;
  at.buckets.push(bucket.index);
}

/** The functions that are called from here, the one with most goroutines first: [name, node]. */
function ordered(at) {
  return (at.order ||= [...at.children].sort((a, b) => b[1].count - a[1].count));
}

/** The state of most goroutines below. */
function mainGroup(at) {
  return Object.entries(at.groups).sort((a, b) => b[1] - a[1])[0]?.[0] || "other";
}

function moduleClass(modules, module) {
  if (module === "std") return "std";
  if (!module) return "own";
  return `module-${modules.indexOf(module) % 6}`;
}

function makeFlame(capture, place, onZoom) {
  const modules = [...new Set(capture.buckets.flatMap((bucket) => [...bucket.modules]))].filter((m) => m && m !== "std");
  const state = { idle: false, colour: "state", search: "", path: [] };
  const canvas = h("div", { class: "flame-graph", role: "tree", tabindex: "0", "aria-label": "Flame graph of all stacks" });
  const trail = h("p", { class: "trail" });
  const search = h("input", { type: "search", placeholder: "Search functions", "aria-label": "Search functions in the flame graph",
    input: () => { state.search = search.value.toLowerCase(); draw(); remember(); } });
  const hasIdle = capture.buckets.some((bucket) => bucket.idle) && capture.buckets.some((bucket) => !bucket.idle);
  const idle = h("input", { type: "checkbox", change: () => { state.idle = idle.checked; state.path = []; draw(); zoomed(); } });
  const colour = h("select", { "aria-label": "Colour of the flame graph", change: () => { state.colour = colour.value; draw(); remember(); } },
    h("option", { value: "state" }, "by state"), h("option", { value: "module" }, "by module"));
  place.append(
    h("div", { class: "controls" }, search, h("label", {}, "Colour ", colour),
      hasIdle ? h("label", {}, idle, " with idle goroutines") : "",
      h("button", { type: "button", click: () => zoomTo([]) }, "Reset zoom")),
    legend(), trail, canvas);
  if (!hasIdle) state.idle = true;
  let boxes = [];
  let active = 0;

  function buckets() {
    const all = shownBuckets(capture);
    return state.idle ? all : all.filter((bucket) => !bucket.idle);
  }

  function treeOf() {
    if (state.drawn !== state.idle || state.of !== shownBuckets(capture)) state.tree = null;
    state.drawn = state.idle;
    state.of = shownBuckets(capture);
    return (state.tree ||= flameTree(buckets(), capture.choice ? shown(capture.choice.name) : "all goroutines"));
  }

  function top() {
    let at = treeOf();
    for (const name of state.path) at = at.children.get(name) || at;
    return at;
  }

  function draw() {
    const focus = top();
    const wide = canvas.clientWidth || 1000;
    const planned = plan(focus, wide);
    boxes = planned.slice(0, MOST_BOXES);
    boxes.forEach((one, n) => { one.element = element(one, n, focus.count, wide); });
    const depth = boxes.reduce((most, one) => Math.max(most, one.level), 0) + 1;
    canvas.style.height = `calc(${depth} * var(--flame-row))`;
    canvas.replaceChildren(...boxes.map((one) => one.element));
    trail.textContent = "";
    append(trail, [crumbs(), matches(focus), planned.length > MOST_BOXES ? "; the narrowest functions are drawn when you zoom in" : ""]);
    activate(0);
  }

  /**
   * The boxes below a node: {at, name, above, level, left, width}, and `others` for those too narrow to be seen, which
   * share a box. Where there are more than can be drawn in time, the widest are first, each behind the one above it.
   */
  function plan(focus, wide) {
    const found = [];

    function add(at, name, above, level, left, width) {
      const one = { at, name, above, level, left, width };
      found.push(one);
      let start = left;
      const below = level < MOST_LEVELS ? ordered(at) : [];
      for (const [place, [inner, child]] of below.entries()) {
        const share = (width * child.count) / at.count;
        if (share * wide < NARROWEST) return rest(below.slice(place), one, start);
        add(child, inner, one, level + 1, start, share);
        start += share;
      }
    }

    function rest(others, above, left) {
      const total = others.reduce((sum, [, child]) => sum + child.count, 0);
      const width = (above.width * total) / above.at.count;
      if (width * wide >= NARROWEST) found.push({ at: above.at, above, level: above.level + 1, left, width, others: { functions: others.length, total } });
    }

    add(focus, "", null, 0, 0, 1);
    return found.length > MOST_BOXES ? found.sort((a, b) => b.width - a.width || a.level - b.level) : found;
  }

  /** Where a box is in the tree; of those that share a box, where they were called from. */
  function pathOf(one) {
    if (!one.above) return state.path;
    const above = pathOf(one.above);
    return one.others ? above : [...above, one.name];
  }

  function element(one, number, whole, wide) {
    const { functions, total } = one.others || {};
    const text = one.others ? `${count(functions, "narrower function")}: ${count(total, "goroutine")}` : short(one.at.name);
    const label = one.others ? `${text}; the table below has their stacks`
      : `${text}: ${count(one.at.count, "goroutine")}, ${whole ? ((100 * one.at.count) / whole).toFixed(1) : "0"} %`;
    const legible = one.width * wide > LEGIBLE;
    const made = h("div", {
      class: `box ${look(one)}${legible ? "" : " thin"}`, role: "treeitem", id: `${capture.anchor}box-${number}`, "aria-level": one.level + 1,
      "aria-label": shown(label), title: shown(label), click: () => zoomTo(pathOf(one)),
    }, legible ? text : "");
    made.style.left = `${one.left * 100}%`;
    made.style.width = `${one.width * 100}%`;
    made.style.top = `calc(${one.level} * var(--flame-row))`;
    return made;
  }

  /** What a box looks like: its state or module, and whether it is searched for. */
  function look({ at, level, others }) {
    if (others) return "rest";
    const colours = state.colour === "state" ? mainGroup(at) : moduleClass(modules, at.module);
    const found = state.search && at.name.toLowerCase().includes(state.search);
    return `${level ? colours : "root"}${state.search ? (found ? " found" : " faint") : ""}`;
  }

  function zoomTo(path) {
    state.path = path;
    draw();
    zoomed();
  }

  function zoomed() {
    const at = top();
    announce(`${short(at.name)}: ${count(at.count, "goroutine")}`);
    onZoom(state.path.length ? new Set(at.buckets) : null, state.path.length ? at.name : "");
    remember();
  }

  /** Write what is set to the address; a zoom as the place of each box beside its neighbours, from the top. */
  function remember() {
    let at = treeOf();
    const zoom = state.path.map((name) => {
      const number = ordered(at).findIndex(([each]) => each === name);
      at = at.children.get(name);
      return number;
    });
    address.write(`${capture.anchor}flame`, {
      q: search.value, colour: colour.value === "state" ? "" : colour.value, idle: hasIdle && state.idle ? "yes" : "", zoom: zoom.join("."),
      ...choiceSettings(capture),
    });
  }

  /** Begin anew, without a zoom: other goroutines are shown. */
  function renew() {
    state.path = [];
    draw();
  }

  /** Set what an address says. */
  function restore(settings) {
    search.value = settings.get("q") || "";
    state.search = search.value.toLowerCase();
    colour.value = state.colour = settings.get("colour") === "module" ? "module" : "state";
    state.idle = idle.checked = !hasIdle || settings.get("idle") === "yes";
    let at = treeOf();
    state.path = [];
    for (const number of (settings.get("zoom") || "").split(".").filter(Boolean)) {
      const child = ordered(at)[Number(number)];
      if (!child) break;
      state.path.push(child[0]);
      at = child[1];
    }
    draw();
    if (state.path.length) zoomed();
  }

  function crumbs() {
    return ["all", ...state.path].map((name, at, all) =>
      at === all.length - 1 ? h("strong", {}, short(name))
        : at > 0 && at < all.length - 3 ? ""
        : [h("button", { type: "button", class: "link", click: () => zoomTo(state.path.slice(0, at)) }, short(name)), " › "]);
  }

  function matches(focus) {
    if (!state.search) return ` ${count(focus.count, "goroutine")}`;
    const matched = buckets().filter((bucket) => bucket.frames.some((f) => f.name.toLowerCase().includes(state.search)));
    const total = matched.reduce((sum, bucket) => sum + bucket.count, 0);
    return ` ${count(total, "goroutine")} in ${count(matched.length, "stack")} match`;
  }

  function activate(number) {
    boxes[active]?.element.classList.remove("active");
    active = Math.max(0, Math.min(number, boxes.length - 1));
    const box = boxes[active];
    if (!box) return;
    box.element.classList.add("active");
    canvas.setAttribute("aria-activedescendant", box.element.id);
  }

  /** The box that an arrow key leads to. */
  function beside(key) {
    const now = boxes[active];
    const middle = now.left + now.width / 2;
    const near = (level) => boxes.filter((one) => one.level === level)
      .sort((a, b) => Math.abs(a.left + a.width / 2 - middle) - Math.abs(b.left + b.width / 2 - middle))[0];
    const row = boxes.filter((one) => one.level === now.level).sort((a, b) => a.left - b.left);
    const at = row.indexOf(now);
    return { ArrowDown: near(now.level + 1), ArrowUp: near(now.level - 1), ArrowRight: row[at + 1], ArrowLeft: row[at - 1] }[key];
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) {
      const next = beside(event.key);
      if (next) { activate(boxes.indexOf(next)); next.element.scrollIntoView({ block: "nearest" }); }
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      zoomTo(pathOf(boxes[active]));
      event.preventDefault();
    } else if (event.key === "Escape" || event.key === "Backspace") {
      zoomTo(state.path.slice(0, -1));
      event.preventDefault();
    }
  });
  canvas.addEventListener("focus", () => activate(active));
  let width = 0;
  new ResizeObserver(() => { if (canvas.clientWidth !== width) { width = canvas.clientWidth; draw(); } }).observe(canvas);
  return { draw, zoomTo, restore, renew };
}
