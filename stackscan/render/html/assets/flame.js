// The flame graph: stacks that begin alike are joined, from the outermost function (top) to the innermost.

const MOST_LEVELS = 400;
/** A box of fewer pixels would not be seen. */
const NARROWEST = 1.2;

/** The tree of some buckets: {name, count, module, groups, children, buckets}. */
function flameTree(buckets) {
  const root = node("all goroutines", "");
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
    return state.idle ? capture.buckets : capture.buckets.filter((bucket) => !bucket.idle);
  }

  function treeOf() {
    if (state.drawn !== state.idle) state.tree = null;
    state.drawn = state.idle;
    return (state.tree ||= flameTree(buckets()));
  }

  function top() {
    let at = treeOf();
    for (const name of state.path) at = at.children.get(name) || at;
    return at;
  }

  function draw() {
    const focus = top();
    const wide = canvas.clientWidth || 1000;
    boxes = [];
    canvas.replaceChildren();
    layer(focus, 0, 0, 1, wide, state.path);
    const depth = Math.max(...boxes.map((box) => box.level)) + 1;
    canvas.style.height = `calc(${depth} * var(--flame-row))`;
    canvas.append(...boxes.map((box) => box.element));
    trail.textContent = "";
    append(trail, [crumbs(), matches(focus)]);
    activate(0);
  }

  function layer(at, level, left, width, wide, path) {
    if (level > MOST_LEVELS) return;
    boxes.push(box(at, level, left, width, wide, path));
    let start = left;
    for (const [place, [name, child]] of ordered(at).entries()) {
      const share = (width * child.count) / at.count;
      if (share * wide < NARROWEST) return rest(at, place, level + 1, start, width, wide, path);
      layer(child, level + 1, start, share, wide, [...path, name]);
      start += share;
    }
  }

  /** One box for the functions from a place on: each alone would be too narrow to see. `within` is the width above. */
  function rest(at, place, level, left, within, wide, path) {
    const others = ordered(at).slice(place);
    const total = others.reduce((sum, [, child]) => sum + child.count, 0);
    const width = (within * total) / at.count;
    if (width * wide < NARROWEST) return;
    const text = `${count(others.length, "narrower function")}: ${count(total, "goroutine")}`;
    boxes.push(placed("rest", text, `${text}; the table below has their stacks`, { level, left, width, path, at }, wide));
  }

  function box(at, level, left, width, wide, path) {
    const found = state.search && at.name.toLowerCase().includes(state.search);
    const colours = state.colour === "state" ? mainGroup(at) : moduleClass(modules, at.module);
    const share = top().count ? ((100 * at.count) / top().count).toFixed(1) : "0";
    const label = `${short(at.name)}: ${count(at.count, "goroutine")}, ${share} %`;
    const look = `${level ? colours : "root"}${state.search ? (found ? " found" : " faint") : ""}`;
    return placed(look, short(at.name), label, { level, left, width, path, at }, wide);
  }

  /** A box with its element: what it looks like, its text, and what it says to readers who do not see it. */
  function placed(look, text, label, one, wide) {
    const element = h("div", {
      class: `box ${look}`,
      role: "treeitem", id: `${capture.anchor}box-${boxes.length}`, "aria-level": one.level + 1, "aria-label": shown(label), title: shown(label),
      click: () => zoomTo(one.path),
    }, one.width * wide > 30 ? text : "");
    element.style.left = `${one.left * 100}%`;
    element.style.width = `${one.width * 100}%`;
    element.style.top = `calc(${one.level} * var(--flame-row))`;
    return { ...one, element };
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
    });
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
      zoomTo(boxes[active].path);
      event.preventDefault();
    } else if (event.key === "Escape" || event.key === "Backspace") {
      zoomTo(state.path.slice(0, -1));
      event.preventDefault();
    }
  });
  canvas.addEventListener("focus", () => activate(active));
  let width = 0;
  new ResizeObserver(() => { if (canvas.clientWidth !== width) { width = canvas.clientWidth; draw(); } }).observe(canvas);
  return { draw, zoomTo, restore };
}
